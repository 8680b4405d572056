// A proposal for people, for a pull request, for programs, and as what is to be applied. Forms: docs/proposals.md.
//
// Names and values from outside (keys and values of a configuration, names of runs and sites) are inert in each form. A proposal that
// does not fit has nothing to apply: those forms then say so in a comment and change nothing. Pure; any thread.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/render/page.h"
#include "analyzer/sizing/proposal.h"

namespace wrackline::render {

inline constexpr int kProposalJsonSchema = 1;

// What to set, the table of components, what stays, the back-test, advice.
std::string ProposalText(const sizing::Proposal& proposal, const TextOptions& options);
// For a pull request: the verdict first, tables, the arithmetic folded away.
std::string ProposalMarkdown(const sizing::Proposal& proposal);
// One object, pure ASCII. Sizes are bytes.
std::string ProposalJson(const sizing::Proposal& proposal);

// "- key: old" and "+ key: new", the reason above as a comment. `file`: what the diff is of.
std::string ProposalDiff(const sizing::Proposal& proposal, std::string_view file);
// Flat keys that flink-conf.yaml and config.yaml read alike; a key that is to go is a comment.
std::string ProposalConfig(const sizing::Proposal& proposal);

// What an applied patch is of. Empty names: the usual ones.
struct PatchTarget {
  std::string name;  // of the FlinkDeployment or the Deployment: in the comment on how to apply it
  std::string container;  // Flink's; "taskmanager"
  // What the manifest sets in FLINK_PROPERTIES, where Flink's image reads it: the patch then carries all of it, with the changes.
  std::optional<std::string> flink_properties;
  std::string kind = "deployment";  // in that comment: of an object with a pod template
  // Keys given as -Dkey=value in the container's arguments, which win over every other place.
  std::set<std::string> arguments = {};
  // Of a FlinkDeployment: the memory is in spec.taskManager.resources.
  std::optional<evidence::OperatorResources> resources = {};
  double limit_factor = 1;  // limits.memory by requests.memory of these
};
PatchTarget PatchTargetOf(const evidence::PodManifest& manifest);

// True where a patch of that object changes the pods that it makes: a FlinkDeployment, a Deployment, StatefulSet, DaemonSet or ReplicaSet.
// A Pod's containers and a Job's template cannot be changed.
bool TakesPatch(std::string_view kind);

// A merge patch for Flink's Kubernetes operator: spec.flinkConfiguration, and the memory in spec.taskManager.resource or `resources`, from
// which the operator makes taskmanager.memory.process.size.
std::string FlinkDeploymentPatch(const sizing::Proposal& proposal, const PatchTarget& target);
// A strategic merge patch: the container's memory (limit and request), and FLINK_PROPERTIES where the manifest has it. Where a changed key
// is among the container's arguments the patch is empty, and a comment says what to set there.
std::string DeploymentPatch(const sizing::Proposal& proposal, const PatchTarget& target);

}  // namespace wrackline::render

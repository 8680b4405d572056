// The configuration that a Kubernetes manifest carries, as a document with the manifest's places.
//
//   Document d = DocumentOfManifest(pod);
//   d.Find("taskmanager.memory.process.size")->value_at.line     -> the line in the manifest
#pragma once

#include "analyzer/evidence/pod_manifest.h"
#include "analyzer/flink/lint/document.h"

namespace wrackline::flink::lint {

// The ConfigMap's file, or spec.flinkConfiguration. What the environment, the arguments and the
// operator add is no part of it: see PodManifest::Additions.
Document DocumentOfManifest(const evidence::PodManifest& pod);

}  // namespace wrackline::flink::lint

#include "analyzer/evidence/lacking.h"
#include "analyzer/render/json_parts.h"

namespace wrackline::render {

Json SourcesJson(const evidence::Evidence& evidence) {
  Json json = Json::array();
  for (const evidence::SourceUse& use : evidence.sources) {
    Json one = {{"used", use.used}};
    Put(&one, "file", use.file);
    Put(&one, "kind", use.kind);
    Put(&one, "title", use.title);
    Put(&one, "remark", use.remark);
    json.push_back(std::move(one));
  }
  return json;
}

Json LackingJson(const evidence::Evidence& evidence) {
  Json json = Json::array();
  for (const evidence::Lack& lack : evidence::WhatLacks(evidence))
    json.push_back(
        {{"kind", lack.kind}, {"title", lack.title}, {"why", lack.why}, {"how", lack.how}});
  return json;
}

}  // namespace wrackline::render

// Where the tests find their Java virtual machines.
#pragma once

#include <string>

namespace wrackline::test {

// The home of a JDK or JRE of this feature version ("17"): JAVA_HOME, below /usr/lib/jvm or /opt/java, or what scripts/setup.sh
// fetched. Empty: there is none. Any thread.
std::string JavaHome(const std::string& version);

// What a test says that found none.
std::string NoJava(const std::string& version);

}  // namespace wrackline::test

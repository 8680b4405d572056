// Where the tests find their Java virtual machines and libraries.
#pragma once

#include <string>

namespace wrackline::test {

// The home of a JDK or JRE of this feature version ("17"): JAVA_HOME, below /usr/lib/jvm or /opt/java, or what scripts/setup.sh
// fetched. Empty: there is none. Any thread.
std::string JavaHome(const std::string& version);

// What a test says that found none.
std::string NoJava(const std::string& version);

// The folder with the jars of this version of Flink, which scripts/setup.sh fetched. Empty: it is not there. Any thread.
std::string FlinkJars(const std::string& version);

// What a test says that did not find it.
std::string NoFlink(const std::string& version);

// A library for Java programs that scripts/setup.sh fetched, by its file's name. Empty: it is not there. Any thread.
std::string JavaLibrary(const std::string& file);

// What a test says that did not find it.
std::string NoJavaLibrary(const std::string& file);

}  // namespace wrackline::test

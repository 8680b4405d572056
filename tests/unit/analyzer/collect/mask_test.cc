#include "analyzer/collect/mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace wrackline::collect {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::string Masked(std::string_view text) { return Masker().Text(text); }

TEST(SensitiveKey, FlinksOwnListAndItsKin) {
  for (const char* key : {"security.ssl.rest.key-password",
                          "s3.secret-key",
                          "fs.azure.account.key.x.blob.core.windows.net",
                          "metrics.reporter.dghttp.apikey",
                          "metrics.reporter.x.api-key",
                          "pulsar.client.auth-params",
                          "a.service-key",
                          "security.delegation.token",
                          "rest.basic-auth",
                          "properties.sasl.jaas.config",
                          "http-headers",
                          "AWS_SECRET_ACCESS_KEY",
                          "s3.access.key",
                          "DB_PASSWD",
                          "spring.datasource.pwd",
                          "ssl.passphrase",
                          "sas",
                          "fs.azure.sas.token",
                          "private_key",
                          "google.credentials",
                          "Authorization",
                          "storePass"})
    EXPECT_TRUE(IsSensitiveKey(key)) << key;
  for (const char* key :
       {"taskmanager.memory.process.size", "state.backend.rocksdb.memory.managed", "env.java.opts",
        "parallelism.default", "rest.port", "metrics.reporters", "compass", "signal", "author", ""})
    EXPECT_FALSE(IsSensitiveKey(key)) << key;
}

TEST(Mask, FlatAndNestedConfiguration) {
  EXPECT_EQ(Masked("s3.secret-key: abc # x\ntaskmanager.memory.process.size: 1728m\n"),
            "s3.secret-key: ******\ntaskmanager.memory.process.size: 1728m\n");
  EXPECT_EQ(Masked("s3:\n  secret-key: 'a b'\n  endpoint: http://minio:9000\n"),
            "s3:\n  secret-key: '******'\n  endpoint: http://minio:9000\n");
  EXPECT_EQ(Masked("secret-key: \"a\" b\n"),
            "secret-key: ******\n");  // quotes belong to a flat value
  EXPECT_EQ(Masked("a: {password: x, b: 1}\nb: 2\n"), "a: {password: ******\nb: 2\n");
  EXPECT_EQ(Masked("security.token.enabled: true\n"), "security.token.enabled: true\n");
}

TEST(Mask, ValuesOfSeveralLines) {
  EXPECT_EQ(Masked("password: |\n  one\n\n  two\nrest.port: 1\n"),
            "password: ******\n\nrest.port: 1\n");
  EXPECT_EQ(Masked("password:\n  one\n  two\nrest.port: 1\n"),
            "password:\n  ******\nrest.port: 1\n");
  EXPECT_EQ(Masked("tokens:\n- one\n- two\nrest.port: 1\n"), "tokens:\n  ******\nrest.port: 1\n");
  EXPECT_EQ(Masked("a: {password:\n one}\nb: 2\n"), "a: {password:\n******\nb: 2\n");
  EXPECT_EQ(Masked("password=one\\\n  two\nb=2\n"), "password=******\n******\nb=2\n");
  EXPECT_EQ(Masked("password:\nrest.port: 1\n"), "password:\nrest.port: 1\n");
}

TEST(Mask, CommandLinesAndLogs) {
  EXPECT_EQ(Masked("java -Dssl.key-password=a,b -Xmx1g Main"),
            "java -Dssl.key-password=****** -Xmx1g Main");
  EXPECT_EQ(Masked("run --token abc --name x"), "run --token ****** --name x");
  EXPECT_EQ(Masked("env.java.opts: -Djavax.net.ssl.trustStorePassword=abc -Xss1m"),
            "env.java.opts: -Djavax.net.ssl.trustStorePassword=****** -Xss1m");
  EXPECT_EQ(Masked("INFO  Cfg [] - Loading configuration property: s3.secret-key, a b"),
            "INFO  Cfg [] - Loading configuration property: s3.secret-key, ******");
  EXPECT_EQ(Masked("INFO [] -     --password\nINFO [] -     abc\nnext\n"),
            "INFO [] -     --password\n******\nnext\n");
  EXPECT_EQ(Masked("curl -H 'Authorization: Bearer abcdefgh'"), "curl -H 'Authorization: ******");
  EXPECT_EQ(Masked("sent Bearer abcdefgh, got 401"), "sent Bearer ******, got 401");
}

TEST(Mask, JsonManifestsAndXml) {
  EXPECT_EQ(Masked(R"({"password":"a\"b","size":1})"), R"({"password":"******","size":1})");
  EXPECT_EQ(Masked(R"(x="{\"password\":\"ab\",\"size\":1}")"),
            R"(x="{\"password\":\"******\",\"size\":1}")");
  EXPECT_EQ(Masked("- name: DB_PASSWORD\n  value: abc\n- name: SIZE\n  value: 1g\n"),
            "- name: DB_PASSWORD\n  value: ******\n- name: SIZE\n  value: 1g\n");
  EXPECT_EQ(Masked("- value: abc\n  name: DB_PASSWORD\n- value: 1g\n  name: SIZE\n"),
            "- value: ******\n  name: DB_PASSWORD\n- value: 1g\n  name: SIZE\n");
  EXPECT_EQ(Masked(R"([{"name":"DB_TOKEN","value":"abc"},{"name":"N","value":"1"}])"),
            R"([{"name":"DB_TOKEN","value":"******"},{"name":"N","value":"1"}])");
  EXPECT_THAT(Masked("<name>fs.s3a.secret.key</name><value>abc</value>"), Not(HasSubstr("abc")));
}

TEST(Mask, APrivateKeyBehindASensitiveKey) {
  const std::string body =
      "MIIEvQIBADANBgkqhkiG9w0\nAQEFAASC\n-----END PRIVATE KEY-----\nsize: 1\n";
  for (const char* key : {"ssl.private-key=", "ssl.private-key: ", "INFO x: privateKey: "}) {
    const std::string masked = Masked(std::string(key) + "-----BEGIN PRIVATE KEY-----\n" + body);
    EXPECT_THAT(masked, Not(HasSubstr("MIIE"))) << masked;
    EXPECT_THAT(masked, Not(HasSubstr("AQEF"))) << masked;
    EXPECT_THAT(masked, HasSubstr("size: 1")) << masked;
  }
  // The end of a log, whose beginning was left out.
  EXPECT_EQ(Masked(body), "******\n-----END PRIVATE KEY-----\nsize: 1\n");
}

TEST(Mask, AQuoteThatDoesNotClose) {
  EXPECT_EQ(Masked("x password=\"ab\ncd\" y\nsize=1\n"), "x password=******\nsize=1\n");
}

TEST(Mask, WhatIsBelowAKeyWithACommentOrAnAnchor) {
  EXPECT_THAT(Masked("passwords: # prod\n- hunter2\nsize: 1\n"),
              AllOf(Not(HasSubstr("hunter2")), HasSubstr("size: 1")));
  EXPECT_THAT(Masked("tokens: &t\n- hunter2\nsize: 1\n"),
              AllOf(Not(HasSubstr("hunter2")), HasSubstr("size: 1")));
  EXPECT_THAT(Masked("credentials:\n  user: bob\n# note\n  pin: 1234\nsize: 1\n"),
              AllOf(Not(HasSubstr("1234")), HasSubstr("size: 1")));
  EXPECT_THAT(Masked("{\"secrets\": {\n  \"db\": \"hunter2\"\n}}\n"), Not(HasSubstr("hunter2")));
}

TEST(Mask, OtherSeparators) {
  EXPECT_THAT(Masked("<password>\nhunter2\n</password>\n<size>1</size>\n"),
              AllOf(Not(HasSubstr("hunter2")), HasSubstr("<size>1</size>")));
  EXPECT_THAT(Masked("<name>x.secret.key</name>\n<value>\nhunter2\n"), Not(HasSubstr("hunter2")));
  EXPECT_EQ(Masked("s3.secret-key hunter2\n"), "s3.secret-key ******\n");
  EXPECT_THAT(Masked("Map(password -> hunter2)"), Not(HasSubstr("hunter2")));
  for (const char* key : {"dbPwd", "userPass", "requestSig"})
    EXPECT_THAT(Masked(std::string(key) + "=hunter2"), Not(HasSubstr("hunter2"))) << key;
  EXPECT_THAT(Masked(R"(x="a: 1\npwd: hunter2")"), Not(HasSubstr("hunter2")));
  for (const char* token : {"ghu_0123456789abcdefghij", "xapp-0123456789abcdefghij"})
    EXPECT_EQ(Masked(std::string("got ") + token), "got ******");
}

TEST(Mask, ByTheirForm) {
  EXPECT_EQ(Masked("jdbc:postgresql://u:p/w@db:5432/x?a=1"),
            "jdbc:postgresql://******@db:5432/x?a=1");
  EXPECT_EQ(Masked("git clone https://abc@host/x"), "git clone https://******@host/x");
  EXPECT_EQ(Masked("s3://bucket/a@b and http://h/x"), "s3://bucket/a@b and http://h/x");
  EXPECT_EQ(Masked("id AKIAIOSFODNN7EXAMPLE."), "id ******");
  EXPECT_EQ(Masked("id AKIAIOSFODNN7EXAMPLE, x"), "id ******, x");
  EXPECT_EQ(
      Masked("a\n-----BEGIN RSA PRIVATE KEY-----\nMII\nabc\n-----END RSA PRIVATE KEY-----\nb\n"),
      "a\n-----BEGIN RSA PRIVATE KEY-----******\n-----END RSA PRIVATE KEY-----\nb\n");
  EXPECT_EQ(Masked(R"(k: "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----")"),
            R"(k: "-----BEGIN PRIVATE KEY-----******-----END PRIVATE KEY-----")");
  EXPECT_EQ(Masked(R"(sasl: org.X required username="u" password="p" x="1";)"),
            R"(sasl: org.X required username="u" password="******" x="1";)");
}

TEST(Mask, ArgumentsAndEnvironment) {
  using namespace std::string_literals;
  Masker masker;
  EXPECT_EQ(masker.Arguments("java\0-Dkey-password=a -b\0--token\0x y\0-Xmx1g\0"s),
            "java\0-Dkey-password=******\0--token\0******\0-Xmx1g\0"s);
  EXPECT_EQ(
      masker.Environment("JAVA_HOME=/j\0DB=abc\0FLINK_PROPERTIES=a.password: x\nb: 1\0HOME=\0"s),
      "JAVA_HOME=/j\0DB=******\0FLINK_PROPERTIES=a.password: ******\nb: 1\0HOME=\0"s);
  EXPECT_THAT(masker.masked(),
              UnorderedElementsAre(Pair("-Dkey-password", 1), Pair("(argument)", 1),
                                   Pair("(environment)", 1), Pair("a.password", 1)));
}

TEST(Mask, WhatWasMaskedStaysAndIsNotCountedAgain) {
  const std::string once =
      Masked("password: abc\nx: http://u:p@h/\n-Dtoken=a -Xmx1g\ntokens:\n  - a\n");
  Masker again;
  EXPECT_EQ(again.Text(once), once);
  EXPECT_TRUE(again.masked().empty());
}

// No secret of any characters comes through any form.
TEST(Mask, RandomSecretsNeverComeThrough) {
  std::mt19937 random(20261128);
  const std::string plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&()*+,-./:;<=>?@[]^_`{|}~";
  const auto secret = [&](const std::string& of) {
    std::string text = "Zq";  // so that a harmless word does not come by chance
    for (std::size_t i = 0, size = 6 + random() % 40; i < size; ++i)
      text.push_back(of[random() % of.size()]);
    return text;
  };
  const std::vector<std::string> forms = {
      "s3.secret-key: @\n",
      "  s3.secret-key: \"@\"\nb: 1\n",
      "password: '@'\n",
      "a.password=@\n",
      "INFO - Loading configuration property: x.token, @\n",
      "java -Dx.api-key=@\n",
      "--password @\n",
      "{\"a\": 1, \"client_secret\": \"@\", \"b\": 2}\n",
      "\"{\\\"secret\\\": \\\"@\\\"}\"\n",
      "- name: DB_PASSWORD\n  value: @\n",
      "- value: \"@\"\n  name: DB_PASSWORD\n",
      "{\"name\": \"MY_TOKEN\", \"value\": \"@\"}\n",
      "password: |\n  @\n  @\nb: 1\n",
      "password: >-\n   @\n",
      "jaas: X required username=\"u\" password=\"@\";\n",
      "tokens:\n- @\n- @\n",
      "secret:\n  a: @\n  b: @\n",
      "-----BEGIN PRIVATE KEY-----\n@\n@\n-----END PRIVATE KEY-----\n",
      "? password\n: @\n",
      "<property><name>x.secret.key</name><value>@</value></property>\n",
      "WARN auth: @\n",
      "Authorization: Basic @\n"};
  for (int i = 0; i < 20000; ++i) {
    std::string form = forms[static_cast<std::size_t>(i) % forms.size()];
    const std::string hidden = secret(plain);
    for (std::size_t at = form.find('@'); at != std::string::npos;
         at = form.find('@', at + hidden.size()))
      form.replace(at, 1, hidden);
    Masker masker;
    const std::string out = masker.Text("a.b: 1\n" + form + "z: 2\n");
    ASSERT_EQ(out.find(hidden), std::string::npos) << form << "\nbecame\n" << out;
    // Nor a part of it.
    for (std::size_t at = 0; at + 6 <= hidden.size(); ++at)
      ASSERT_EQ(out.find(hidden.substr(at, 6)), std::string::npos) << form << "\nbecame\n" << out;
    ASSERT_FALSE(masker.masked().empty()) << form;
    ASSERT_EQ(Masker().Text(out), out) << form;
  }
}

TEST(Mask, LongLinesTakeLinearTime) {
  std::string text;
  for (int i = 0; i < 200000; ++i) text += "a://b value: name \"password\" ";
  EXPECT_LT(Masked(text).size(), text.size() + 64);
  EXPECT_EQ(Masked(std::string(1 << 20, '"')).size(), std::size_t{1} << 20);
}

}  // namespace
}  // namespace wrackline::collect

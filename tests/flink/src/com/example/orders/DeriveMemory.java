package com.example.orders;

import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessSpec;
import org.apache.flink.runtime.clusterframework.TaskExecutorProcessUtils;
import org.apache.flink.runtime.util.config.memory.ProcessMemoryUtils;

/** Prints what Flink's start script derives for a TaskManager from the configuration folder in arguments[0]: the VM's flags, then the -D list. */
public final class DeriveMemory {
  public static void main(String[] arguments) {
    Configuration configuration = GlobalConfiguration.loadConfiguration(arguments[0]);
    TaskExecutorProcessSpec spec = TaskExecutorProcessUtils.processSpecFromConfig(configuration);
    System.out.println(ProcessMemoryUtils.generateJvmParametersStr(spec));
    System.out.println(TaskExecutorProcessUtils.generateDynamicConfigsStr(spec));
  }
}

package com.example.pipeline;

import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;

/** A class loader for each restart of a job, all of them kept by something that was registered once. */
final class PluginLoader {
  private final List<Class<?>> registered = new ArrayList<>();

  static Object run(int restarts) throws Exception {
    PluginLoader plugins = new PluginLoader();
    for (int i = 0; i < restarts; i++) plugins.restart();
    return plugins.registered;
  }

  private void restart() throws Exception {
    registered.add(Class.forName("com.example.pipeline.ConfigDecoder", true, new JobClassLoader()));
    registered.add(Class.forName("com.example.pipeline.SegmentCache", true, registered.get(registered.size() - 1).getClassLoader()));
  }

  private static final class JobClassLoader extends ClassLoader {
    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith("com.example.")) return super.loadClass(name, resolve);
      Class<?> loaded = findLoadedClass(name);
      if (loaded != null) return loaded;
      try (InputStream stream = PluginLoader.class.getResourceAsStream("/" + name.replace('.', '/') + ".class")) {
        byte[] bytes = stream.readAllBytes();
        return defineClass(name, bytes, 0, bytes.length);
      } catch (java.io.IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }
}

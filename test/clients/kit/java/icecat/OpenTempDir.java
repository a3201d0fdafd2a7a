/*
 * OpenTempDir.java
 *		Temporary folders of tests that the server, another user, can write to as well: in kit.folder, a root of the server.
 *
 * SPDX-License-Identifier: PostgreSQL
 */
package icecat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;

public class OpenTempDir implements TempDirFactory {
  @Override
  public Path createTempDirectory(AnnotatedElementContext element, ExtensionContext context)
      throws IOException {
    Path folder = Files.createTempDirectory(Path.of(System.getProperty("kit.folder")), "icecat-kit-");
    Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxrwxrwx"));
    return folder;
  }
}

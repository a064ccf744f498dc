import java.io.File;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.maven.repository.internal.MavenRepositorySystemUtils;
import org.eclipse.aether.DefaultRepositorySystemSession;
import org.eclipse.aether.RepositorySystem;
import org.eclipse.aether.artifact.Artifact;
import org.eclipse.aether.artifact.DefaultArtifact;
import org.eclipse.aether.collection.CollectRequest;
import org.eclipse.aether.graph.DependencyNode;
import org.eclipse.aether.impl.DefaultServiceLocator;
import org.eclipse.aether.repository.LocalRepository;
import org.eclipse.aether.resolution.ArtifactDescriptorRequest;
import org.eclipse.aether.resolution.ArtifactDescriptorResult;
import org.eclipse.aether.util.graph.visitor.PreorderNodeListGenerator;
import org.eclipse.aether.util.version.GenericVersionScheme;

/**
 * What Maven's own resolver says.
 *
 * <p>Usage: Oracle REPOSITORY, with root coordinates on stdin, one a line; of each, the POM is
 * resolved as a project is: its dependencies are direct, its management rewrites what is below.
 * Prints `= COORDINATE`, a line a node of the mediated tree, and `! KIND` where it fails. A line
 * `VERSIONS a b` compares two versions.
 */
public class Oracle {
  public static void main(String[] args) throws Exception {
    PrintStream out = new PrintStream(System.out, false, "UTF-8");
    DefaultServiceLocator locator = MavenRepositorySystemUtils.newServiceLocator();
    RepositorySystem system = locator.getService(RepositorySystem.class);
    GenericVersionScheme versions = new GenericVersionScheme();
    java.io.BufferedReader in =
        new java.io.BufferedReader(new java.io.InputStreamReader(System.in, "UTF-8"));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      String[] words = line.split(" ");
      if (words[0].equals("VERSIONS")) {
        int order = versions.parseVersion(words[1]).compareTo(versions.parseVersion(words[2]));
        out.println(Integer.signum(order));
        continue;
      }
      DefaultRepositorySystemSession session = MavenRepositorySystemUtils.newSession();
      session.setOffline(true);
      session.setIgnoreArtifactDescriptorRepositories(true);
      // The image's Java and system, not this machine's.
      session.setSystemProperty("java.version", "17.0.2");
      session.setSystemProperty("os.arch", "amd64");
      session.setSystemProperty("java.home", "/opt/java");
      session.setLocalRepositoryManager(
          system.newLocalRepositoryManager(session, new LocalRepository(new File(args[0]))));
      out.println("= " + line);
      try {
        Artifact root = new DefaultArtifact(line);
        ArtifactDescriptorRequest ask = new ArtifactDescriptorRequest(root, null, null);
        DefaultRepositorySystemSession strict = new DefaultRepositorySystemSession(session);
        strict.setArtifactDescriptorPolicy(null);
        ArtifactDescriptorResult told = system.readArtifactDescriptor(strict, ask);
        CollectRequest request = new CollectRequest();
        request.setRootArtifact(root);
        request.setDependencies(told.getDependencies());
        request.setManagedDependencies(told.getManagedDependencies());
        PreorderNodeListGenerator order = new PreorderNodeListGenerator();
        system.collectDependencies(session, request).getRoot().accept(order);
        List<String> lines = new ArrayList<>();
        for (DependencyNode node : order.getNodes()) {
          Artifact artifact = node.getArtifact();
          if (node.getDependency() == null) {
            continue;
          }
          lines.add(
              String.join(
                  ":",
                  artifact.getGroupId(),
                  artifact.getArtifactId(),
                  artifact.getExtension(),
                  artifact.getClassifier(),
                  artifact.getVersion(),
                  node.getDependency().getScope(),
                  String.valueOf(node.getDependency().isOptional())));
        }
        for (String text : lines) {
          out.println(text);
        }
      } catch (Exception | StackOverflowError error) {
        Throwable cause = error;
        while (cause.getCause() != null && cause.getCause() != cause) {
          cause = cause.getCause();
        }
        out.println("! " + cause.getClass().getSimpleName() + " " + String.valueOf(cause.getMessage()).replace('\n', ' '));
      }
    }
    out.flush();
  }
}

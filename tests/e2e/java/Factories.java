import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import org.apache.flink.table.factories.Factory;

/** Loads every table factory on the class path, as the planner does, and prints what each is called. */
public final class Factories {
    public static void main(String[] args) {
        var factories = ServiceLoader.load(Factory.class).iterator();
        while (true) {
            try {
                if (!factories.hasNext()) {
                    return;
                }
                Factory factory = factories.next();
                factory.requiredOptions();
                factory.optionalOptions();
                System.out.println(factory.getClass().getName() + " " + factory.factoryIdentifier());
            } catch (ServiceConfigurationError | LinkageError error) {
                System.out.println("failed " + error);
            } catch (UnsupportedOperationException error) {
                // Some old factories have no options to ask for.
            }
        }
    }
}

import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;

/** A job of SQL statements, one an argument; prints what each comes to. */
public final class Statements {
    public static void main(String[] args) {
        EnvironmentSettings settings = EnvironmentSettings.newInstance().inStreamingMode().build();
        TableEnvironment environment = TableEnvironment.create(settings);
        for (String statement : args) {
            try {
                environment.executeSql(statement).print();
            } catch (Exception | LinkageError error) {
                error.printStackTrace(System.out);
            }
        }
        System.out.println("all statements ran");
    }
}

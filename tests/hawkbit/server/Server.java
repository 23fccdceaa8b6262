// SPDX-License-Identifier: Apache-2.0
//
// A hawkBit server: all that its libraries configure by themselves, with the security of the
// original. Settings come by the command line, see tests/hawkbit/rollout.sh.
import org.eclipse.hawkbit.autoconfigure.security.EnableHawkbitManagedSecurityConfiguration;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;

@Configuration
@EnableAutoConfiguration
@EnableHawkbitManagedSecurityConfiguration
public class Server {
	public static void main(String[] args) {
		SpringApplication.run(Server.class, args);
	}
}

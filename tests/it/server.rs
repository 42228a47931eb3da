//! A real PostgreSQL server: where it is, the environment says (`tests/postgres/serve` starts one).

use std::time::Duration;

/// A database of its own for one test, which goes with it.
pub struct Database {
    at: String,
    name: String,
    roles: Vec<String>,
}

impl Database {
    /// Makes one; `None`, with a line that says so, where no server is named and none is needed.
    #[expect(clippy::disallowed_methods, reason = "where tests find a server is no matter of the config")]
    pub fn create() -> Option<Self> {
        let Ok(at) = std::env::var("SUPPLYWATCH_TEST_POSTGRES") else {
            assert!(!is_needed(), "a server is needed and none is named in SUPPLYWATCH_TEST_POSTGRES");
            println!("skipped: no server is named in SUPPLYWATCH_TEST_POSTGRES; see tests/postgres/serve");
            return None;
        };
        let name = unique("test");
        execute(&at, &format!("CREATE DATABASE {name} TEMPLATE template0"));
        Some(Self { at, name, roles: Vec::new() })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("{}/{}", self.server(), self.name)
    }

    /// The address of another database, or of this one for another role.
    pub fn url_as(&self, role: Option<&str>, database: Option<&str>) -> String {
        let server = self.server();
        let (_, host) = server.rsplit_once('@').unwrap();
        let server = role.map_or_else(|| server.clone(), |role| format!("postgres://{role}@{host}"));
        format!("{server}/{}", database.unwrap_or(&self.name))
    }

    fn server(&self) -> String {
        self.at.rsplit_once('/').unwrap().0.to_owned()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does something to it beside the program.
    pub fn execute(&self, sql: &str) {
        execute(&self.url(), sql);
    }

    /// Changes what every later session in it begins with, or whose it is.
    pub fn alter(&self, what: &str) {
        execute(&self.at, &format!("ALTER DATABASE {} {what}", self.name));
    }

    /// A role that may log in and has no rights here; it goes with the database.
    pub fn role(&mut self, options: &str) -> String {
        let role = unique("role");
        self.execute(&format!("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE {role} LOGIN {options}"));
        self.roles.push(role.clone());
        role
    }

    /// Whether the server asks those for a password who belong to the role `locked`; where it does not, a line says so, if
    /// none is needed.
    pub fn asks_for_passwords(&self) -> bool {
        let rule = "SELECT 1 FROM pg_hba_file_rules WHERE auth_method = 'scram-sha-256' AND '+locked' = ANY(user_name)";
        let asks = !rows(&self.at, rule).is_empty();
        if !asks {
            assert!(!is_needed(), "the server asks nobody for a password");
            println!("skipped: pg_hba.conf has no `host all +locked all scram-sha-256`; see tests/postgres/serve");
        }
        asks
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        execute(&self.at, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
        self.roles.iter().for_each(|role| execute(&self.at, &format!("DROP ROLE {role}")));
    }
}

#[expect(clippy::disallowed_methods, reason = "whether tests may be skipped is no matter of the config")]
fn is_needed() -> bool {
    std::env::var("SUPPLYWATCH_TEST_NEED").is_ok_and(|needed| needed.contains("postgres"))
}

fn unique(what: &str) -> String {
    format!("{what}_{:016x}", rand::random::<u64>())
}

fn execute(url: &str, sql: &str) {
    rows(url, sql);
}

/// What statements find: the first column of each row.
fn rows(url: &str, sql: &str) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let work = async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        let answers = tokio::select! {
            answers = client.simple_query(sql) => answers.unwrap(),
            ended = connection => panic!("the server hung up: {ended:?}"),
        };
        let first = |answer| match answer {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
            _ => None,
        };
        answers.into_iter().filter_map(first).collect()
    };
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), work).await.unwrap() })
}

//! A real server for tests: where it is, the environment says (`tests/postgres/serve` starts one).

use std::thread;

use crate::store::Server;

/// A database of its own, which goes with it.
pub struct Database {
    at: String,
    name: String,
}

impl Database {
    /// Makes one; `None`, with a line that says so, where no server is named and none is needed.
    #[expect(clippy::disallowed_methods, reason = "where tests find a server is no matter of the config")]
    pub fn create() -> Option<Self> {
        let Ok(at) = std::env::var("SUPPLYWATCH_TEST_POSTGRES") else {
            let needed = std::env::var("SUPPLYWATCH_TEST_NEED").is_ok_and(|needed| needed.contains("postgres"));
            assert!(!needed, "a server is needed and none is named in SUPPLYWATCH_TEST_POSTGRES");
            println!("skipped: no server is named in SUPPLYWATCH_TEST_POSTGRES; see tests/postgres/serve");
            return None;
        };
        let name = format!("test_{:016x}", rand::random::<u64>());
        execute(&at, &format!("CREATE DATABASE {name} TEMPLATE template0"));
        Some(Self { at, name })
    }

    /// Where it is.
    pub fn server(&self) -> Server {
        Server::parse(&self.url()).unwrap()
    }

    /// The same as an address.
    pub fn url(&self) -> String {
        let (server, _) = self.at.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }
}

impl Database {
    /// Does something to it beside the store.
    pub fn execute(&self, sql: &str) {
        execute(&self.url(), sql);
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        execute(&self.at, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

/// Executes a statement, on a thread of its own: a test may be in the middle of something.
fn execute(url: &str, sql: &str) {
    let execute = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            let work = client.batch_execute(sql);
            tokio::select! {
                done = work => done.unwrap(),
                ended = connection => ended.unwrap(),
            }
        });
    };
    thread::scope(|scope| scope.spawn(execute).join().unwrap());
}

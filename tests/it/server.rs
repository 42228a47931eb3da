//! A real PostgreSQL server, which the environment names: `SUPPLYWATCH_TEST_POSTGRES` is the address of a database of a
//! role that may make others (`postgres://role@127.0.0.1:5432/postgres`).

use tokio_postgres::NoTls;

/// A database of its own, which goes with it.
pub struct Database {
    at: String,
    name: String,
}

impl Database {
    /// Makes one; `None`, with a line that says so, where no server is named and none is needed.
    pub fn create() -> Option<Self> {
        let Ok(at) = std::env::var("SUPPLYWATCH_TEST_POSTGRES") else {
            let needed = std::env::var("SUPPLYWATCH_TEST_NEED").is_ok_and(|needed| needed.contains("postgres"));
            assert!(!needed, "a server is needed and none is named in SUPPLYWATCH_TEST_POSTGRES");
            println!("skipped: no server is named in SUPPLYWATCH_TEST_POSTGRES");
            return None;
        };
        let name = format!("test_{:016x}", rand::random::<u64>());
        execute(&at, &format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"));
        Some(Self { at, name })
    }

    /// Its address.
    pub fn url(&self) -> String {
        let (server, _) = self.at.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        execute(&self.at, &format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}

fn execute(url: &str, sql: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::select! {
            done = client.batch_execute(sql) => done.unwrap(),
            ended = connection => ended.unwrap(),
        }
    });
}

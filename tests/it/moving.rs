//! A store on a server: brought there and back, and what is said where one cannot be had.

use super::sandbox::{Ended, Sandbox};
use super::scene::{DESK, magnets, once};
use super::server::Database;

/// A desk whose state is a database.
fn desk(url: &str) -> Sandbox {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    state(&sandbox, url);
    sandbox
}

fn state(sandbox: &Sandbox, url: &str) {
    let config = sandbox.read("config/supplywatch.toml");
    sandbox.write("config/supplywatch.toml", format!("daemon.state = \"{url}\"\n{config}"));
}

/// The lines of an export but for the store's name and the time.
fn lines(sandbox: &Sandbox, store: &str) -> Vec<String> {
    let lines = sandbox.stdout(&["store", "export", "--state", store]);
    let same = |line: &&str| !line.contains("store_id") && !line.contains("sha256") && !line.contains("\"kind\":");
    lines.lines().filter(same).map(ToOwned::to_owned).collect()
}

/// What was told is told to nobody again, wherever the store goes.
#[test]
fn a_history_is_moved_to_a_server_and_back() {
    let Some(database) = Database::create() else { return };
    let url = &database.url();
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    once(&sandbox, 0).says(&["1 message delivered"]);
    let before = sandbox.stdout(&["alerts"]);
    sandbox
        .run(&["store", "move", "supplywatch.db", url])
        .is(0)
        .says(&["read again and compared", "Let `daemon.state` name postgres://"]);
    sandbox
        .run(&["store", "move", "supplywatch.db", url])
        .is(70)
        .says(&["there is a store at postgres://", " already"]);
    let back = sandbox.json(&["store", "move", url, "back.db"]);
    assert_eq!((&back[0]["tables"]["transition"], &back[0]["held_by"]), (&1.into(), &serde_json::Value::Null));
    assert_eq!(lines(&sandbox, "back.db"), lines(&sandbox, "supplywatch.db"));
    let checked = sandbox.json(&["store", "check", "--state", url]);
    assert_eq!((&checked[0]["tables"]["transition"], &checked[0]["damages"]), (&1.into(), &serde_json::json!([])));
    sandbox.run(&["store", "check", "--state", url]).is(0).says(&["every reference, and ", "nothing is wrong"]);

    state(&sandbox, url);
    assert_eq!(sandbox.stdout(&["alerts"]), before);
    once(&sandbox, 0).says_nothing_of(&["1 message delivered"]);
    database.execute("UPDATE alert SET number = 9");
    sandbox.run(&["store", "check"]).is(1).says(&["damage: an alert has another number than its last transition"]);
    sandbox.run(&["store", "move", url, "damaged.db"]).is(70).says(&["is damaged (an alert has another number"]);
    assert!(!sandbox.path("damaged.db").exists());
    for (verb, tool) in [
        (&["store", "backup", "b.db"][..], "pg_basebackup"),
        (&["store", "restore", "back.db"], "pg_restore"),
        (&["store", "vacuum"], "VACUUM FULL"),
        (&["store", "export"], "store move"),
        (&["store", "import", "b.db"], "store move"),
    ] {
        sandbox.run(verb).is(70).says(&["is a PostgreSQL database", tool]);
    }
}

/// What a daemon stores after the copy is not in it.
#[test]
fn moving_beside_a_daemon_says_what_is_missing() {
    let Some(database) = Database::create() else { return };
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    once(&sandbox, 0);
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    let moved = sandbox.run(&["store", "move", "supplywatch.db", &database.url()]);
    moved.is(0).says(&[
        "warning: process ",
        "has the store supplywatch.db",
        "since this copy began is not in postgres://",
    ]);
    daemon.stop().is(0);
    state(&sandbox, &database.url());
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    sandbox.run(&["store", "move", &database.url(), "back.db"]).is(0).says(&["warning: ", "has the store postgres://"]);
    daemon.stop().is(0);
}

/// Both places stand on the command line, which every user of the machine can read.
#[test]
fn neither_place_has_a_password() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    once(&sandbox, 0);
    let secret = "postgres://watch:hunter22@db.example/state";
    for (places, which) in [(["supplywatch.db", secret], "TO"), ([secret, "o.db"], "FROM")] {
        let refused = sandbox.run(&["store", "move", places[0], places[1]]);
        refused.is(2).says(&[&format!("error: {which}: a password on the command line"), "PGPASSWORD"]);
        refused.says_nothing_of(&["hunter22"]);
    }
    sandbox.run(&["store", "move", "supplywatch.db", "o.db", "--state", "x.db"]).is(2).says(&["leave --state out"]);
    sandbox.run(&["store", "move", "none.db", "o.db"]).is(70).says(&["there is no store at none.db"]);
    sandbox.run(&["store", "move", "supplywatch.db", "o.db"]).is(0).says(&["read again and compared"]);
    assert_eq!(lines(&sandbox, "o.db"), lines(&sandbox, "supplywatch.db"));
    sandbox.run(&["store", "move", "supplywatch.db", "o.db"]).is(70).says(&["there is a store at", "already"]);
}

/// Each with its own words, and nothing is made.
#[test]
fn each_way_in_which_a_server_refuses_has_its_words() {
    let Some(mut database) = Database::create() else { return };
    let check = |url: &str| Sandbox::new().run(&["store", "check", "--state", url]);
    let says = |ended: Ended, words: &[&str]| {
        ended.is(70).says(words);
    };
    says(check(&database.url()), &["there is no store at postgres://", "yet: `supplywatch run` makes it"]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    says(check(&format!("postgres://sw@{nobody}/state")), &["cannot be reached", "Connection refused"]);
    says(check("postgres://sw@nowhere.invalid/state?sslmode=disable"), &["is not found", "DNS"]);
    let none = format!("{}_none", database.name());
    says(check(&database.url_as(None, Some(&none))), &["has no database", "createdb --owner="]);
    says(check(&database.url_as(Some("nobody_at_all"), None)), &["lets nobody in as nobody_at_all", "CREATE ROLE"]);

    let role = database.role("");
    let sandbox = desk(&database.url_as(Some(&role), None));
    once(&sandbox, 70).says(&[&format!("the role {role} may not do what is needed"), "ALTER DATABASE"]);
    says(check(&database.url()), &["there is no store"]);
    database.execute("CREATE TABLE theirs(a INTEGER)");
    once(&desk(&database.url()), 70).says(&["is a database of another program"]);
    database.execute("DROP TABLE theirs");

    let sandbox = desk(&database.url());
    once(&sandbox, 0);
    database.alter("SET default_transaction_read_only = on");
    says(check(&database.url()), &["takes no writes", "standby", "name the primary"]);
    database.alter("RESET default_transaction_read_only");
    database.execute("UPDATE meta SET value = '99' WHERE name = 'schema'");
    once(&sandbox, 70).says(&["was made by a newer supplywatch (schema 99; this one knows 7)"]);
    says(check(&database.url()), &["was made by a newer supplywatch"]);
}

#[test]
fn a_wrong_password_is_refused_and_told_to_nobody() {
    let Some(mut database) = Database::create() else { return };
    if !database.asks_for_passwords() {
        return;
    }
    let role = database.role("PASSWORD 'right-one' IN ROLE locked");
    database.execute(&format!("ALTER DATABASE {} OWNER TO {role}", database.name()));
    let url = database.url_as(Some(&role), None);
    for (password, code, said) in [
        (Some("hunter22"), 70, "refuses the password"),
        (None, 70, "refuses the password"),
        (Some("right-one"), 70, "there is no store"),
    ] {
        let mut sandbox = Sandbox::new();
        password.into_iter().for_each(|password| sandbox.set("PGPASSWORD", password));
        let ended = sandbox.run(&["store", "check", "--state", &url]);
        ended.is(code).says(&[said]).says_nothing_of(&["hunter22", "right-one"]);
    }
}

/// Two that share a store and mean different things by it.
#[test]
fn replicas_with_different_configs_are_warned_about() {
    let Some(database) = Database::create() else { return };
    let [one, other, alike] = [(); 3].map(|()| desk(&database.url()));
    once(&one, 0);
    let config = other.read("config/supplywatch.toml");
    other.write("config/supplywatch.toml", config.replace("declines >= 2", "declines >= 3"));
    let mut first = one.daemon();
    first.wait("READY=1");
    let mut second = other.daemon();
    second.wait("READY=1");
    second.stop().is(0).says(&["replicas have another config than this one"]);
    let mut same = alike.daemon();
    same.wait("READY=1");
    same.stop().is(0).says_nothing_of(&["another config than this one"]);
    first.stop().is(0);
}

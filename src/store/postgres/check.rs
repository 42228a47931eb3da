//! Whether a store on a server is whole: the references that its schema does not check, and what its rows say of each
//! other. Pages, indexes and the keys that the schema knows are the server's own to check (`pg_amcheck`, checksums).

use super::schema;
use super::{Server, Session, alone};
use crate::base::clock::Timestamp;
use crate::store::sql::{Connection, Fault, QUESTIONS, Row, There, each};
use crate::store::{Checkup, Damage, StoreError};

/// Of figures it is not asked when they are written (see the schema). Gives a row like a question.
const REFERENCES: &str = "
    SELECT 'observation to series ' || o.series FROM observation o
        WHERE NOT EXISTS (SELECT 1 FROM series s WHERE s.id = o.series)
    UNION ALL SELECT 'observation to pull ' || o.pull FROM observation o
        WHERE NOT EXISTS (SELECT 1 FROM pull p WHERE p.id = o.pull)
    UNION ALL SELECT 'observation_rev to series ' || o.series FROM observation_rev o
        WHERE NOT EXISTS (SELECT 1 FROM series s WHERE s.id = o.series)
    UNION ALL SELECT 'observation_rev to pull ' || o.pull FROM observation_rev o
        WHERE NOT EXISTS (SELECT 1 FROM pull p WHERE p.id = o.pull)
    UNION ALL SELECT 'observation_rev to pull ' || o.superseded_by FROM observation_rev o
        WHERE NOT EXISTS (SELECT 1 FROM pull p WHERE p.id = o.superseded_by)
    UNION ALL SELECT 'pull_series to series ' || o.series FROM pull_series o
        WHERE NOT EXISTS (SELECT 1 FROM series s WHERE s.id = o.series)
    UNION ALL SELECT 'pull_series to pull ' || o.pull FROM pull_series o
        WHERE NOT EXISTS (SELECT 1 FROM pull p WHERE p.id = o.pull)";

/// See [`crate::store::Location::check`].
pub fn check(server: &Server) -> Result<Checkup, StoreError> {
    let examine = || -> Result<Checkup, Fault> {
        let session = alone(server)?;
        schema::expect_tables(&session)?;
        session.begin(false)?;
        session.take_time()?;
        examine(&session)
    };
    examine().map_err(|fault| fault.on(server))
}

fn examine(session: &Session) -> Result<Checkup, Fault> {
    let connection = Connection::Postgres(session);
    let name = "SELECT coalesce(max(value), '') FROM meta WHERE name = 'store_id'";
    let size = "SELECT pg_database_size(current_database())";
    Ok(Checkup {
        schema: schema::newest(),
        id: connection.prepare(name)?.query_one((), |row| row.get(0))?,
        file_bytes: connection.prepare(size)?.query_one((), |row| row.get::<i64>(0))?.unsigned_abs(),
        log_bytes: 0,
        tables: tables(&connection)?,
        pulls: pulls(&connection)?,
        questions: QUESTIONS.len(),
        damages: damages(session)?,
    })
}

/// What is wrong; within a transaction.
pub fn damages(session: &Session) -> Result<Vec<Damage>, Fault> {
    let mut damages = Vec::new();
    let mut add = |what: &str, found: (u64, String)| {
        let (count, example) = found;
        if count > 0 {
            damages.push(Damage { what: what.to_owned(), count, example });
        }
    };
    add("a row refers to one that is not there", ask(session, REFERENCES)?);
    for question in QUESTIONS {
        let found = match &question.there {
            There::Same => ask(session, question.sql)?,
            There::Other(sql) => ask(session, sql)?,
            There::Read(sql, is_wrong) => read(session, sql, *is_wrong)?,
        };
        add(question.what, found);
    }
    Ok(damages)
}

/// How often a question is answered, and one of the answers.
fn ask(session: &Session, question: &str) -> Result<(u64, String), Fault> {
    let count = format!("SELECT count(*), coalesce(min(place), '') FROM ({question}) AS answer(place)");
    let count = Connection::Postgres(session)
        .prepare(&count)?
        .query_one((), |row| Ok((row.get::<i64>(0)?.unsigned_abs(), row.get(1)?)))?;
    Ok(count)
}

/// How many of some rows are wrong, and where one of them is.
fn read(session: &Session, select: &str, is_wrong: fn(&[Option<&str>]) -> bool) -> Result<(u64, String), Fault> {
    let (mut count, mut example) = (0, String::new());
    each(
        session,
        select,
        |fault| fault,
        |rows| {
            for row in rows {
                let shown = Row::Postgres(row);
                let texts =
                    (1..row.len()).map(|place| shown.get(place)).collect::<Result<Vec<Option<&str>>, Fault>>()?;
                if is_wrong(&texts) {
                    if count == 0 {
                        example = shown.get(0)?;
                    }
                    count += 1;
                }
            }
            Ok(())
        },
    )?;
    Ok((count, example))
}

/// How many rows each table has.
fn tables(connection: &Connection<'_>) -> Result<Vec<(String, u64)>, Fault> {
    let names = "SELECT table_name::text FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name::text COLLATE \"C\"";
    let names: Vec<String> =
        connection.prepare(names)?.query_and_then((), |row| row.get(0))?.collect::<Result<_, Fault>>()?;
    let count = |name: String| -> Result<(String, u64), Fault> {
        let count = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
        let rows: i64 = connection.prepare(&count)?.query_one((), |row| row.get(0))?;
        Ok((name, rows.unsigned_abs()))
    };
    names.into_iter().map(count).collect()
}

/// When the first and the last pull were.
fn pulls(connection: &Connection<'_>) -> Result<Option<(Timestamp, Timestamp)>, Fault> {
    let select = "SELECT min(at), max(at) FROM pull";
    let ends = connection.prepare(select)?.query_one((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (first, last): (Option<i64>, Option<i64>) = ends;
    Ok(first.zip(last).map(|(first, last)| (Timestamp::from_millis(first), Timestamp::from_millis(last))))
}

//! One session with a server: statements are sent and their answers waited for.
//!
//! No statement has a name at the server for longer than a transaction, nothing is set for longer, and no lock outlives
//! one: so a pooler may give each transaction another session (PgBouncer's transaction mode).

use std::cell::{Cell as Changing, RefCell};
use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use futures_util::future::try_join_all;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row, SimpleQueryMessage, SimpleQueryRow};

use super::server::Server;
use super::timeline::Timeline;
use crate::store::Hint;
use crate::store::sql::{Cell, Fault, Kind, Value};

/// A value that is sent as a type.
pub type Sent<'v> = (&'v (dyn ToSql + Sync), Type);

/// So many questions are on their way at once.
const TOGETHER: usize = 256;
/// An answer comes within so long, or the server is given up; its own time-outs are shorter.
const SILENCE: Duration = Duration::from_secs(75);
/// The same where all of a store is read or written at once; that the server is there is seen below, by the connection.
const LONG_SILENCE: Duration = Duration::from_secs(6 * 3600);
/// What every transaction is told: nobody waits for ever for a lock, and whoever stops in the middle of one holds nothing
/// up. In milliseconds.
const LIMITS: &str = "SET LOCAL statement_timeout = 60000; SET LOCAL lock_timeout = 20000; \
     SET LOCAL idle_in_transaction_session_timeout = 20000";
/// What is told instead to a transaction that takes as long as all of a store takes.
const NO_LIMITS: &str = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
/// Whether the server can be written to, and the timeline on which it writes: a primary that was replaced by a standby and
/// came back writes on an older one.
pub const STANDING: &str = "SELECT pg_is_in_recovery(), CASE WHEN pg_is_in_recovery() THEN NULL \
     ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END";

/// A session.
pub struct Session {
    runtime: Runtime,
    client: Client,
    /// What carries it; with it the session ends.
    carrier: JoinHandle<()>,
    /// How long an answer is waited for.
    silence: Changing<Duration>,
    /// What the transaction tells the other replicas, once it is stored.
    hints: RefCell<Vec<Hint>>,
}

impl Session {
    /// Connects.
    pub fn connect(server: &Server, seen: &Timeline) -> Result<Self, Fault> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Fault::BrokeOff(format!("no runtime for a session: {error}")))?;
        let connected = runtime.block_on(async { tokio::time::timeout(SILENCE, server.connect(seen)).await });
        let (client, mut connection) = connected.map_err(|_| Fault::Silent)?.map_err(Fault::Refused)?;
        let carrier = runtime.spawn(async move {
            // What ended it is the answer to whatever is asked next.
            while let Some(Ok(_)) = connection.next().await {}
        });
        Ok(Self { runtime, client, carrier, silence: Changing::new(SILENCE), hints: RefCell::default() })
    }

    /// Waits for an answer.
    fn wait<T>(&self, answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, Fault> {
        let limited = async { tokio::time::timeout(self.silence.get(), answer).await };
        self.runtime.block_on(limited).map_err(|_| Fault::Silent)?.map_err(Fault::from)
    }

    /// Begins a transaction that may change something, or one that sees one moment and changes nothing; the server's
    /// timeline, which a standby has not: that cannot be written to.
    pub fn begin(&self, writes: bool) -> Result<Option<u32>, Fault> {
        Ok(self.begin_and_ask(writes, "")?.first().and_then(timeline))
    }

    /// The same, with another question on the way: the row that says how the server stands (see [`timeline`]), and then
    /// those that answer the question.
    pub fn begin_and_ask(&self, writes: bool, question: &str) -> Result<Vec<SimpleQueryRow>, Fault> {
        self.hints.take();
        let begin = if writes {
            "BEGIN ISOLATION LEVEL READ COMMITTED"
        } else {
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        };
        self.simple(&format!("{begin}; {LIMITS}; {STANDING}; {question}"))
    }

    /// Lets the transaction that was begun take as long as it takes.
    pub fn take_time(&self) -> Result<(), Fault> {
        self.silence.set(LONG_SILENCE);
        self.simple(NO_LIMITS).map(|_| ())
    }

    /// Tells the other replicas something with the commit of the transaction that was begun. However often it is told, they
    /// hear it once: each that has something to tell waits for all others that have (NOTIFY locks the database's queue).
    pub fn hint(&self, hint: Hint) {
        let mut hints = self.hints.borrow_mut();
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }

    /// Commits it. An error says that nobody knows whether it is stored, unless the server says that it is not.
    pub fn commit(&self) -> Result<(), Fault> {
        let hints: String = self.hints.take().into_iter().map(Hint::statement).collect();
        let committed = self.wait(self.client.batch_execute(&(hints + "COMMIT")));
        committed.map_err(|fault| match fault {
            Fault::Server(error) => Fault::ServerCommit(Some(error)),
            Fault::Silent => Fault::ServerCommit(None),
            other => other,
        })
    }

    /// Undoes it.
    pub fn roll_back(&self) -> Result<(), Fault> {
        self.wait(self.client.batch_execute("ROLLBACK"))
    }

    /// Executes statements without values; the rows that they find.
    pub fn simple(&self, sql: &str) -> Result<Vec<SimpleQueryRow>, Fault> {
        let answers = self.wait(self.client.simple_query(sql))?;
        let row = |answer| if let SimpleQueryMessage::Row(row) = answer { Some(row) } else { None };
        Ok(answers.into_iter().filter_map(row).collect())
    }

    /// A statement in the server's words: `$1` for `?1`, and no hints for a planner that needs them.
    pub fn text(&self, sql: &str) -> String {
        let mut text = String::with_capacity(sql.len());
        let mut rest = sql.chars().peekable();
        while let Some(char) = rest.next() {
            let is_place = char == '?' && rest.peek().is_some_and(char::is_ascii_digit);
            text.push(if is_place { '$' } else { char });
        }
        text.replace("CROSS JOIN", "JOIN")
    }

    /// What a query finds.
    pub fn query(&self, text: &str, values: &[Value<'_>]) -> Result<Vec<Row>, Fault> {
        self.wait(self.client.query_typed(text, &typed(values)))
    }

    /// What a query finds for each of some lists of values.
    pub fn query_each<'v>(
        &self,
        text: &str,
        all: impl Iterator<Item = Vec<Value<'v>>>,
    ) -> Result<Vec<Vec<Row>>, Fault> {
        self.each(all, async |values| self.client.query_typed(text, &typed(&values)).await)
    }

    /// Executes a statement with each of some lists of values; how many rows it changed with each.
    pub fn execute_each<'v>(&self, text: &str, all: impl Iterator<Item = Vec<Value<'v>>>) -> Result<Vec<usize>, Fault> {
        let changed = self.each(all, async |values| self.client.execute_typed(text, &typed(&values)).await)?;
        Ok(changed.into_iter().map(|count| usize::try_from(count).unwrap_or(usize::MAX)).collect())
    }

    /// Does the same with each of some lists of values; many are on their way at once, and are done in their order.
    fn each<'v, T>(
        &self,
        mut all: impl Iterator<Item = Vec<Value<'v>>>,
        ask: impl AsyncFn(Vec<Value<'v>>) -> Result<T, tokio_postgres::Error>,
    ) -> Result<Vec<T>, Fault> {
        let mut answers = Vec::new();
        loop {
            let some: Vec<_> = all.by_ref().take(TOGETHER).map(|values| ask(values)).collect();
            if some.is_empty() {
                return Ok(answers);
            }
            answers.extend(self.wait(try_join_all(some))?);
        }
    }

    /// Executes a statement; how many rows it changed.
    pub fn execute(&self, text: &str, values: &[Value<'_>]) -> Result<usize, Fault> {
        let changed = self.wait(self.client.execute_typed(text, &typed(values)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    /// What a query in the server's words finds.
    pub fn ask(&self, text: &str, values: &[Sent<'_>]) -> Result<Vec<Row>, Fault> {
        self.wait(self.client.query_typed(text, values))
    }

    /// Executes a statement in the server's words.
    pub fn tell(&self, text: &str, values: &[Sent<'_>]) -> Result<(), Fault> {
        self.wait(self.client.execute_typed(text, values)).map(|_| ())
    }

    /// The types of the columns that a query finds. It has a name at the server until this returns.
    pub fn describe(&self, text: &str) -> Result<Vec<Type>, Fault> {
        let statement = self.wait(self.client.prepare(text))?;
        Ok(statement.columns().iter().map(|column| column.type_().clone()).collect())
    }

    /// Sends rows to a table, all at once.
    pub fn copy_in<'v, T, R: AsRef<[Value<'v>]>>(
        &self,
        copy: &str,
        types: &[Type],
        all: &'v [T],
        row: impl Fn(&'v T) -> R,
    ) -> Result<(), Fault> {
        if all.is_empty() {
            return Ok(());
        }
        self.wait(async {
            let writer = BinaryCopyInWriter::new(self.client.copy_in(copy).await?, types);
            let mut writer = pin!(writer);
            for item in all {
                writer.as_mut().write_raw(row(item).as_ref().iter()).await?;
            }
            writer.finish().await.map(|_| ())
        })
    }

    /// A cell of an answer.
    pub fn cell(row: &Row, place: usize) -> Result<Cell<'_>, Fault> {
        Ok(row.try_get(place)?)
    }
}

/// The timeline that an answer to [`STANDING`] says; `None` of a standby.
pub fn timeline(row: &SimpleQueryRow) -> Option<u32> {
    row.try_get(1).ok().flatten().and_then(|text| u32::from_str_radix(text, 16).ok())
}

impl Drop for Session {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

fn typed<'v>(values: &'v [Value<'v>]) -> Vec<Sent<'v>> {
    values.iter().map(|value| (value as &(dyn ToSql + Sync), kind(value.kind()))).collect()
}

const fn kind(kind: Kind) -> Type {
    match kind {
        Kind::Int => Type::INT8,
        Kind::Real => Type::FLOAT8,
        Kind::Text => Type::TEXT,
        Kind::Blob => Type::BYTEA,
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, type_: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Value::Null(_) => Ok(IsNull::Yes),
            Value::Int(value) if *type_ == Type::INT2 => i16::try_from(*value)?.to_sql(type_, out),
            Value::Int(value) if *type_ == Type::INT4 => i32::try_from(*value)?.to_sql(type_, out),
            Value::Int(value) => value.to_sql(type_, out),
            Value::Real(value) => value.to_sql(type_, out),
            // A server keeps no text with a zero in it.
            Value::Text(value) if value.contains('\0') => value.replace('\0', "\u{fffd}").to_sql(type_, out),
            Value::Text(value) => value.as_ref().to_sql(type_, out),
            Value::Blob(value) => value.as_ref().to_sql(type_, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(type_: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *type_ {
            Type::INT8 => Self::Int(i64::from_sql(type_, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(type_, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(type_, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(type_, raw)?.into()),
            Type::FLOAT8 => Self::Real(f64::from_sql(type_, raw)?),
            Type::BYTEA => Self::Blob(raw),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN => Self::Text(std::str::from_utf8(raw)?),
            _ => return Err(format!("a {type_} is not expected").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

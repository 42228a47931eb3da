//! What must hold between the rows of a store, as questions that have no answer in one that is whole.
//!
//! A database knows of keys and references; these know what the rows mean. Each would be a figure, an alert or a
//! message that is wrong or lost.

use serde::de::IgnoredAny;

use crate::alert::alert_id;
use crate::series::Labels;

/// Something that must not be.
pub struct Question {
    /// What it is, in words.
    pub what: &'static str,
    /// The first schema that has what it asks about.
    pub since: i32,
    /// Gives a row for each time that it is so, with one text that says where.
    pub sql: &'static str,
    /// How a server is asked.
    pub there: There,
}

/// How a server is asked what SQLite is asked with words of its own.
pub enum There {
    /// In the same words.
    Same,
    /// In these.
    Other(&'static str),
    /// Its rows are read, each with a text that says where, and texts of which this says whether something is wrong: no
    /// server before 16 can say what is JSON, and none knows how an alert gets its id.
    Read(&'static str, fn(&[Option<&str>]) -> bool),
}

fn no_json(texts: &[Option<&str>]) -> bool {
    texts.iter().flatten().any(|text| serde_json::from_str::<IgnoredAny>(text).is_err())
}

/// Of an alert's rule, labels and id. Labels that cannot be read are another question's.
fn another_id(texts: &[Option<&str>]) -> bool {
    let [Some(rule), Some(key), Some(id)] = texts else { return true };
    Labels::from_key(key).is_some_and(|labels| alert_id(rule, &labels) != *id)
}

/// All of them.
pub const QUESTIONS: &[Question] = &[
    Question {
        what: "the store has no name",
        since: 1,
        sql: "SELECT 'meta' WHERE NOT EXISTS (SELECT 1 FROM meta WHERE name = 'store_id' AND value <> '')",
        there: There::Same,
    },
    Question {
        what: "a figure became known later than its pull",
        since: 1,
        sql: "SELECT 'series ' || o.series || ', pull ' || o.pull FROM observation o JOIN pull p ON p.id = o.pull
            WHERE o.recorded_at > p.at",
        there: There::Same,
    },
    Question {
        what: "a figure is of another feed's pull",
        since: 1,
        sql: "SELECT 'series ' || o.series || ', pull ' || o.pull FROM observation o
            JOIN pull p ON p.id = o.pull JOIN series s ON s.id = o.series WHERE p.feed <> s.feed",
        there: There::Same,
    },
    Question {
        what: "a figure is of a pull that changed nothing",
        since: 1,
        sql: "SELECT 'series ' || o.series || ', pull ' || o.pull FROM observation o
            JOIN pull p ON p.id = o.pull WHERE p.outcome <> 'changed'",
        there: There::Same,
    },
    Question {
        what: "a former figure has none that followed it",
        since: 1,
        sql: "SELECT 'series ' || r.series || ', pull ' || r.pull FROM observation_rev r WHERE NOT EXISTS (
            SELECT 1 FROM observation o WHERE o.series = r.series AND o.last = r.last AND o.length = r.length)",
        there: There::Same,
    },
    Question {
        what: "a former figure was followed before it was known",
        since: 1,
        sql: "SELECT 'series ' || series || ', pull ' || pull FROM observation_rev WHERE superseded_by < pull",
        there: There::Same,
    },
    Question {
        what: "two series of one feed are the same",
        since: 1,
        sql: "SELECT 'feed ' || feed || ', ' || labels FROM series WHERE current = 1
            GROUP BY feed, labels HAVING count(*) > 1",
        there: There::Same,
    },
    Question {
        what: "a series has labels that cannot be read",
        since: 1,
        sql: "SELECT 'series ' || id FROM series WHERE NOT json_valid(labels)",
        there: There::Read("SELECT 'series ' || id, labels FROM series", no_json),
    },
    Question {
        what: "an alert has transitions whose numbers have a gap",
        since: 1,
        sql: "SELECT rule || ' ' || labels FROM transition GROUP BY rule, labels
            HAVING min(number) <> 1 OR max(number) <> count(*)",
        there: There::Same,
    },
    Question {
        what: "an alert has another number than its last transition",
        since: 1,
        sql: "SELECT a.rule || ' ' || a.labels FROM alert a WHERE a.number <> coalesce((
            SELECT max(t.number) FROM transition t WHERE t.rule = a.rule AND t.labels = a.labels), 0)",
        there: There::Same,
    },
    Question {
        what: "an alert has looked at a pull that there never was",
        since: 1,
        sql: "SELECT rule || ' ' || labels FROM alert
            WHERE seen > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pull'), 0)",
        there: There::Other(
            "SELECT rule || ' ' || labels FROM alert
            WHERE seen > (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM pull_id_seq)",
        ),
    },
    Question {
        what: "an alert cannot be read",
        since: 1,
        sql: "SELECT rule || ' ' || labels FROM alert WHERE NOT json_valid(labels)
            OR (firing IS NOT NULL AND NOT json_valid(firing))",
        there: There::Read("SELECT rule || ' ' || labels, labels, firing FROM alert", no_json),
    },
    Question {
        what: "an alert is not found by its id",
        since: 7,
        sql: "SELECT rule || ' ' || labels FROM alert WHERE json_valid(labels) AND id <> alert_id(rule, labels)",
        there: There::Read("SELECT rule || ' ' || labels, rule, labels, id FROM alert", another_id),
    },
    Question {
        what: "an alert is listed as what it is not",
        since: 7,
        sql: "SELECT rule || ' ' || labels FROM alert WHERE (firing IS NULL) <> (gravity = 0)",
        there: There::Same,
    },
    Question {
        what: "a transition has a message that cannot be read",
        since: 1,
        sql: "SELECT rule || ' ' || labels || ' ' || number FROM transition WHERE NOT json_valid(message)",
        there: There::Read("SELECT rule || ' ' || labels || ' ' || number, message FROM transition", no_json),
    },
    Question {
        what: "a delivery has a message that cannot be read",
        since: 1,
        sql: "SELECT id FROM delivery WHERE message <> '' AND NOT json_valid(message)",
        there: There::Read("SELECT id, message FROM delivery WHERE message <> ''", no_json),
    },
    Question {
        what: "a delivery has no message",
        since: 6,
        sql: "SELECT id FROM delivery WHERE message = '' AND transition IS NULL",
        there: There::Same,
    },
    Question {
        what: "a pending delivery is told by one that is over",
        since: 6,
        sql: "SELECT d.id FROM delivery d JOIN delivery l ON l.seq = d.told_by
            WHERE d.state = 'pending' AND l.state <> 'pending'",
        there: There::Same,
    },
    Question {
        what: "a delivery is told by another receiver's",
        since: 6,
        sql: "SELECT d.id FROM delivery d JOIN delivery l ON l.seq = d.told_by WHERE d.receiver <> l.receiver",
        there: There::Same,
    },
];

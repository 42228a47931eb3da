//! What the Census Bureau is asked: first which months are out, then what of them is new.

use chrono::Months;
use serde::{Deserialize, Serialize};

use super::{Basis, Census, Flow, NEW_YORK, Timestamp};
use crate::feed::{Request, Target};
use crate::period::{Frequency, Period};

/// Codes of goods in one request: an address has to stay short.
const CODES: usize = 40;
/// Rows of one answer: long ones end in an error on the publisher's side.
const ROWS: usize = 50_000;
/// Partners where every one is asked for.
const EVERY_PARTNER: usize = 260;
/// No data, a wrong query, no such address.
const READ: &[u16] = &[204, 400, 404];
/// So many months before the first that is new are asked for with it: whether a code has ended is seen by them.
const BEFORE: i32 = 12;

/// What a request asks, in the words of its question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// Which months are out.
    Months {
        /// The direction.
        export: bool,
    },
    /// Figures.
    Figures {
        /// The direction.
        export: bool,
        /// The goods.
        goods: Vec<String>,
        /// The months that are out, among those asked for.
        months: Vec<String>,
        /// Whether nothing was read before.
        first: bool,
    },
}

/// The names that one direction has for its columns.
pub struct Names {
    /// The path of its table.
    pub path: &'static str,
    /// The good.
    pub good: &'static str,
    /// The value, in dollars.
    pub value: &'static str,
    /// The quantity in the first unit.
    pub quantity: &'static str,
    /// The mark of that quantity.
    pub flag: &'static str,
}

/// See [`Names`]. Values of a month: those "of the year" are sums since January.
pub const fn names(flow: Flow, basis: Basis) -> Names {
    match (flow, basis) {
        (Flow::Import, Basis::General) => Names {
            path: "imports/hs",
            good: "I_COMMODITY",
            value: "GEN_VAL_MO",
            quantity: "GEN_QY1_MO",
            flag: "GEN_QY1_MO_FLAG",
        },
        (Flow::Import, Basis::Consumption) => Names {
            path: "imports/hs",
            good: "I_COMMODITY",
            value: "CON_VAL_MO",
            quantity: "CON_QY1_MO",
            flag: "CON_QY1_MO_FLAG",
        },
        (Flow::Export, _) => Names {
            path: "exports/hs",
            good: "E_COMMODITY",
            value: "ALL_VAL_MO",
            quantity: "QTY_1_MO",
            flag: "QTY_1_MO_FLAG",
        },
    }
}

impl Census {
    /// The first month that is asked for.
    pub fn first(&self) -> Option<Period> {
        self.since.or_else(|| Period::month(2013, 1))
    }

    /// Which months are out, and as of which update: a total of the goods' chapters, by month.
    pub fn months_request(&self, flow: Flow, now: Timestamp) -> Option<Request> {
        let names = names(flow, self.basis);
        let mut chapters: Vec<&str> = self.goods.iter().filter_map(|good| good.get(..2)).collect();
        chapters.sort_unstable();
        chapters.dedup();
        let columns = [names.good, names.value, "LAST_UPDATE"].join(",");
        let last = Period::containing(now.date(NEW_YORK), Frequency::Month);
        let time = format!("from {} to {}", self.first()?, last);
        let mut query = vec![("get", columns.as_str())];
        query.extend(chapters.iter().map(|chapter| (names.good, *chapter)));
        query.extend([("COMM_LVL", "HS2"), ("CTY_CODE", "-"), ("SUMMARY_LVL", "DET")]);
        let question = Ask::Months { export: flow == Flow::Export };
        Some(self.request(flow, query, &time, &question))
    }

    /// The figures of the months from the first of some to the last, and of a year before.
    pub fn figures_requests(&self, flow: Flow, out: &[Period], new: &[Period], first: bool) -> Vec<Request> {
        let (Some(oldest), Some(newest)) = (new.iter().min(), new.iter().max()) else { return Vec::new() };
        let asked: Vec<Period> =
            out.iter().copied().filter(|month| *month >= oldest.offset(-BEFORE) && month <= newest).collect();
        let (Some(from), Some(to)) = (asked.first(), asked.last()) else { return Vec::new() };
        let time = format!("from {from} to {to}");
        let months: Vec<String> = asked.iter().map(ToString::to_string).collect();
        let partners = if self.partners.is_empty() { EVERY_PARTNER } else { self.partners.len() };
        let at_once = (ROWS / (partners * asked.len()).max(1)).clamp(1, CODES);
        let mut requests = Vec::new();
        for (level, digits) in [("HS2", 2), ("HS4", 4), ("HS6", 6), ("HS10", 10)] {
            let goods: Vec<&str> = self.goods.iter().map(String::as_str).filter(|good| good.len() == digits).collect();
            for goods in goods.chunks(at_once) {
                let question = Ask::Figures {
                    export: flow == Flow::Export,
                    goods: goods.iter().map(|good| (*good).to_owned()).collect(),
                    months: months.clone(),
                    first,
                };
                requests.push(self.figures_request(flow, level, goods, &time, &question));
            }
        }
        requests
    }

    fn figures_request(&self, flow: Flow, level: &str, goods: &[&str], time: &str, question: &Ask) -> Request {
        let names = names(flow, self.basis);
        let mut columns = vec![names.good, "CTY_CODE", names.value, names.quantity, names.flag, "UNIT_QY1"];
        if flow == Flow::Export {
            columns.push("DF");
        }
        let columns = columns.join(",");
        let mut query = vec![("get", columns.as_str())];
        // A parameter that comes again means "or"; a list with commas would match nothing.
        query.extend(goods.iter().map(|good| (names.good, *good)));
        query.push(("COMM_LVL", level));
        query.extend(self.partners.iter().map(|partner| ("CTY_CODE", partner.as_str())));
        if self.wants_countries() {
            query.push(("SUMMARY_LVL", "DET"));
        }
        self.request(flow, query, time, question)
    }

    fn request<'q>(&'q self, flow: Flow, mut query: Vec<(&'q str, &'q str)>, time: &'q str, question: &Ask) -> Request {
        if flow == Flow::Export {
            // Domestic goods and goods that were imported before are rows of their own beside their sum.
            query.push(("DF", "-"));
        }
        query.extend([("time", time), ("key", self.key.expose())]);
        let target: Target = self.site.target(names(flow, self.basis).path, query);
        let question = serde_json::to_string(question).unwrap_or_default();
        Request { accepts: READ, ..Request::new(target) }.asking(question)
    }

    /// Whether the months that are asked for have been out for long: then no answer is no month that is not out yet.
    pub fn must_be_out(&self, now: Timestamp) -> bool {
        const OUT_AFTER_MONTHS: u32 = 3;
        let since = self.first().map(Period::first_day);
        since
            .and_then(|since| since.checked_add_months(Months::new(OUT_AFTER_MONTHS)))
            .is_some_and(|out| out < now.date(NEW_YORK))
    }
}

//! How what a feed wants is cut into requests: none with more rows than Comtrade gives, none with a longer address
//! than it reads.

use serde::{Deserialize, Serialize};

use super::{Comtrade, Flow, flow_code};
use crate::feed::{Request, Target};
use crate::period::Frequency;

/// Characters of an address, at most: a little over 4000 are answered with a web page.
const ADDRESS_CHARS: usize = 3500;
/// Periods of one request with a key, at most.
const PERIODS: usize = 12;
/// Partners where every one is asked for: some 250 countries and areas, and the world.
const EVERY_PARTNER: usize = 300;

/// Rows of one answer with a key, at most; a premium key gives more, and is not asked for them.
pub const ROWS: usize = 100_000;
/// Rows of one answer without a key, at most.
pub const ROWS_PREVIEW: usize = 500;

/// A part of the goods, partners and directions, which is asked for by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    pub goods: Vec<String>,
    pub partners: Vec<String>,
    pub flows: Vec<Flow>,
}

/// What a request for figures asks for, in the words of its question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The number of the slice.
    pub slice: usize,
    /// Comtrade's code of the reporter.
    pub reporter: String,
    /// The periods, each with the release that it is asked for.
    pub periods: Vec<(String, Release)>,
}

/// One release of a reporter's data set for a period.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Release {
    /// When, as Comtrade says it.
    pub at: String,
    /// The checksum of its data.
    pub checksum: i64,
    /// The edition of the nomenclature: `H5`, `H6`.
    pub edition: String,
}

impl Release {
    /// As it is marked.
    pub fn mark(&self) -> String {
        format!("{} {} {}", self.at, self.checksum, self.edition)
    }
}

impl Ask {
    /// The name under which it is marked that a period was read.
    pub fn mark(&self, period: &str) -> String {
        mark(self.slice, &self.reporter, period)
    }
}

/// See [`Ask::mark`].
pub fn mark(slice: usize, reporter: &str, period: &str) -> String {
    if slice == 0 { format!("{reporter} {period}") } else { format!("{reporter} {period} {}", slice + 1) }
}

impl Comtrade {
    /// The rows that an answer may have, at most.
    pub const fn rows_max(&self) -> usize {
        if self.key.is_some() { ROWS } else { ROWS_PREVIEW }
    }

    /// How many periods are asked for at once: without a key one, since of several it may refuse all.
    pub const fn periods_max(&self) -> usize {
        if self.key.is_some() { PERIODS } else { 1 }
    }

    /// All that is wanted, in parts that fit. The same feed has always the same.
    pub fn slices(&self) -> Vec<Slice> {
        let all = Slice { goods: self.goods.clone(), partners: self.partners.clone(), flows: self.flows.clone() };
        let mut waiting = vec![all];
        let mut slices = Vec::new();
        while let Some(slice) = waiting.pop() {
            match self.halves(&slice) {
                Some((first, second)) => waiting.extend([second, first]),
                None => slices.push(slice),
            }
        }
        slices
    }

    /// The halves of a slice that is too large, where it can be cut.
    fn halves(&self, slice: &Slice) -> Option<(Slice, Slice)> {
        let partners = if slice.partners.is_empty() { EVERY_PARTNER } else { slice.partners.len() };
        let rows = slice.goods.len() * partners * slice.flows.len() * self.periods_max();
        // As many rows as there may be are the sign of more.
        if rows < self.rows_max() && self.address_chars(slice) <= ADDRESS_CHARS {
            return None;
        }
        if let Some((goods, rest)) = halves(&slice.goods) {
            return Some((Slice { goods, ..slice.clone() }, Slice { goods: rest, ..slice.clone() }));
        }
        if let Some((flows, rest)) = halves(&slice.flows) {
            return Some((Slice { flows, ..slice.clone() }, Slice { flows: rest, ..slice.clone() }));
        }
        let (partners, rest) = halves(&slice.partners)?;
        Some((Slice { partners, ..slice.clone() }, Slice { partners: rest, ..slice.clone() }))
    }

    fn address_chars(&self, slice: &Slice) -> usize {
        let longest = vec!["202501"; self.periods_max()];
        match self.target(slice, "842", &longest.join(",")) {
            Target::Http { url, .. } => url.as_str().len(),
            Target::File(_) | Target::Folder(_) => 0,
        }
    }

    /// The request for a part. It may wait for the next pull: what is read without it is whole, period by period.
    pub fn figures(&self, slice: &Slice, ask: &Ask) -> Request {
        let periods: Vec<&str> = ask.periods.iter().map(|(period, _)| period.as_str()).collect();
        let target = self.target(slice, &ask.reporter, &periods.join(","));
        let question = serde_json::to_string(ask).unwrap_or_default();
        Request { accepts: super::READ, may_wait: true, ..Request::new(target) }.asking(question)
    }

    fn target(&self, slice: &Slice, reporter: &str, periods: &str) -> Target {
        let (goods, partners) = (slice.goods.join(","), slice.partners.join(","));
        let flows: Vec<&str> = slice.flows.iter().map(|flow| flow_code(*flow)).collect();
        let (flows, rows) = (flows.join(","), self.rows_max().to_string());
        // The second partner, the means of transport and the customs procedure are held at their totals: left
        // open, each partner comes in parts, and their sum counts all several times.
        let query = [
            ("reporterCode", reporter),
            ("period", periods),
            ("cmdCode", &goods),
            ("flowCode", &flows),
            ("partner2Code", "0"),
            ("motCode", "0"),
            ("customsCode", "C00"),
            ("breakdownMode", "classic"),
            ("maxRecords", &rows),
            ("format", "JSON"),
        ];
        let partners = (!partners.is_empty()).then_some(("partnerCode", partners.as_str()));
        let query = query.into_iter().chain(partners);
        let what = format!("C/{}/HS", self.frequency_code());
        match &self.key {
            Some(key) => {
                let site = self.site.with_header("Ocp-Apim-Subscription-Key", key.clone());
                site.target(&format!("data/v1/get/{what}"), query)
            }
            None => self.site.target(&format!("public/v1/preview/{what}"), query),
        }
    }

    /// What was released, by reporter and period: the question needs no key and is not counted against one.
    pub fn releases_request(&self) -> Request {
        let path = format!("public/v1/getDa/C/{}/HS", self.frequency_code());
        let reporters = self.reporters.join(",");
        let target = self.site.target(&path, [("reporterCode", reporters.as_str())]);
        Request { accepts: super::READ, ..Request::new(target) }.asking(super::RELEASES)
    }

    fn frequency_code(&self) -> &'static str {
        if self.common.frequency == Frequency::Year { "A" } else { "M" }
    }
}

fn halves<T: Clone>(all: &[T]) -> Option<(Vec<T>, Vec<T>)> {
    let (first, second) = all.split_at(all.len().div_ceil(2));
    (!second.is_empty()).then(|| (first.to_vec(), second.to_vec()))
}

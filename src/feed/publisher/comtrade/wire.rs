//! The shapes of UN Comtrade's answers, as far as they are read.
//!
//! Codes come as numbers in one answer and as text in another; a row that has another shape is refused by itself.

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::base::text::shorten;
use crate::feed::ParseError;
use crate::feed::format::said;

/// Every answer: its rows, or what is wrong.
#[derive(Deserialize)]
pub struct Envelope<'a> {
    #[serde(default)]
    count: Option<i64>,
    #[serde(borrow, default)]
    data: Option<Rows<'a>>,
    #[serde(default)]
    error: Option<String>,
    #[serde(borrow, default, rename = "errorObject")]
    details: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// The rows of an answer.
    pub fn rows(body: &'a [u8]) -> Result<Vec<&'a RawValue>, ParseError> {
        let envelope: Self = serde_json::from_slice(body)
            .map_err(|error| ParseError::Malformed { row: error.line(), reason: shorten(&error.to_string(), 200) })?;
        let failed = envelope.count == Some(-1) || envelope.error.as_deref().is_some_and(|error| !error.is_empty());
        match envelope.data {
            Some(Rows(rows)) if !failed => Ok(rows),
            _ => Err(refusal(body)),
        }
    }
}

/// What an answer says that has no rows.
pub fn refusal(body: &[u8]) -> ParseError {
    let envelope = serde_json::from_slice::<Envelope<'_>>(body).ok();
    let error = envelope.as_ref().and_then(|envelope| envelope.error.clone()).filter(|error| !error.is_empty());
    let said = match error {
        Some(error) => {
            let details = envelope.and_then(|envelope| envelope.details).map(|details| details.get().as_bytes());
            let words = details.map(said::words).filter(|words| !words.is_empty());
            [Some(error), words].into_iter().flatten().collect::<Vec<_>>().join(": ")
        }
        None => said::words(body),
    };
    ParseError::Said { said: shorten(&said, 300), passes: false }
}

/// The rows of an answer, each to be read by itself; not more than Comtrade ever gives.
struct Rows<'a>(Vec<&'a RawValue>);

/// Rows that a premium key is given at once, at most.
const ROWS_EVER: usize = 250_000;

impl<'de: 'a, 'a> Deserialize<'de> for Rows<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Self(Vec::new()))
    }
}

impl<'de: 'a, 'a> Visitor<'de> for Rows<'a> {
    type Value = Self;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut rows: A) -> Result<Self, A::Error> {
        while let Some(row) = rows.next_element()? {
            if self.0.len() == ROWS_EVER {
                return Err(Error::custom(format!("more than {ROWS_EVER} rows")));
            }
            self.0.push(row);
        }
        Ok(self)
    }
}

/// A code as text, however it is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(pub String);

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl Visitor<'_> for Either {
            type Value = Code;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a code, as text or a whole number")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Code, E> {
                Ok(Code(text.trim().to_owned()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Code, E> {
                Ok(Code(number.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Code, E> {
                Ok(Code(number.to_string()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// One row of trade: a cell by reporter, partner, good, direction and period. Weights are in kg, money in USD.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub period: Code,
    pub reporter_code: Code,
    pub partner_code: Code,
    pub cmd_code: Code,
    pub flow_code: Code,
    pub partner2_code: Option<Code>,
    pub mot_code: Option<Code>,
    pub customs_code: Option<Code>,
    pub qty_unit_code: Option<Code>,
    pub qty_unit_abbr: Option<String>,
    pub qty: Option<f64>,
    pub is_qty_estimated: Option<bool>,
    pub net_wgt: Option<f64>,
    pub is_net_wgt_estimated: Option<bool>,
    pub primary_value: Option<f64>,
    pub legacy_estimation_flag: Option<i64>,
}

/// One row of `getDa`: a data set that was released. Its times have no zone.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dataset {
    pub period: Code,
    pub reporter_code: Code,
    pub classification_code: Option<String>,
    pub dataset_checksum: Option<i64>,
    pub last_released: Option<String>,
}

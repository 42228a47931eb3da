//! The Federal Register of the United States: rules, notices and presidential documents, each an item.
//!
//! One search gives at most [`WINDOW`] documents, however many there are; so a search that finds more is divided by
//! days of publication. A page names the next one, which is asked for as it is named. Each pull asks again for some
//! weeks that were read before: a document may be entered late. Source of endpoints and fields: the API's
//! documentation, federalregister.gov/developers/documentation/api/v1.

use serde::Deserialize;
use url::Url;

use super::draft::{Draft, Fault};
use super::site::Site;
use super::{Common, wording};
use crate::base::limits::{ITEM_ID_CHARS_MAX, ITEM_TEXT_CHARS_MAX, ITEM_TITLE_CHARS_MAX, ITEM_URL_CHARS_MAX};
use crate::base::text::{counted, printable, shorten};
use crate::feed::format::html::text;
use crate::feed::format::sniff;
use crate::feed::{Answer, Pace, Page, ParseError, Publisher, Request, Standing, Target};
use crate::period::{Frequency, Period};
use crate::series::Item;

/// Where it is.
pub const ADDRESS: &str = "https://www.federalregister.gov/api/v1";
/// Documents of one search that can be read, at most.
pub const WINDOW: usize = 2000;
/// Documents of one page.
const PAGE: &str = "1000";
/// Days before a pull that are asked for when nothing was read before.
const FIRST_DAYS: i32 = 30;
/// Days that are asked for again.
const AGAIN_DAYS: i32 = 21;
/// A request a second.
const SPACING: std::time::Duration = std::time::Duration::from_secs(1);
/// The mark: until which day documents were read.
const READ_UNTIL: &str = "read until";

/// What is asked of a page that another one named.
const FURTHER: &str = "further";

/// The fields of a document that are asked for.
const FIELDS: [&str; 11] = [
    "document_number",
    "title",
    "type",
    "publication_date",
    "html_url",
    "abstract",
    "agencies",
    "action",
    "dates",
    "effective_on",
    "correction_of",
];

/// What kind a document is of: as the config writes it, and as the publisher does.
pub const TYPES: [(&str, &str); 4] =
    [("rule", "RULE"), ("proposed-rule", "PRORULE"), ("notice", "NOTICE"), ("presidential", "PRESDOCU")];

/// A search of documents.
#[derive(Clone, Debug)]
pub struct FederalRegister {
    /// Where it is asked.
    pub site: Site,
    /// Words to look for, in the publisher's own syntax.
    pub term: Option<String>,
    /// Agencies, by the publisher's names.
    pub agencies: Vec<String>,
    /// Kinds of documents, as the publisher writes them.
    pub types: Vec<&'static str>,
    /// Title and part of the Code of Federal Regulations.
    pub cfr: Option<(u32, u32)>,
    /// The first day of publication that is asked for.
    pub since: Option<Period>,
    /// Labels, zone.
    pub common: Common,
}

/// `documents.json`.
#[derive(Deserialize)]
struct Found {
    count: usize,
    #[serde(default)]
    next_page_url: Option<String>,
    results: Option<Vec<serde_json::Value>>,
}

/// A document.
#[derive(Deserialize)]
struct Document {
    document_number: String,
    title: String,
    publication_date: String,
    r#type: Option<String>,
    html_url: Option<String>,
    r#abstract: Option<String>,
    #[serde(default)]
    agencies: Vec<Agency>,
    action: Option<String>,
    dates: Option<String>,
    effective_on: Option<String>,
    correction_of: Option<String>,
}

#[derive(Deserialize)]
struct Agency {
    name: Option<String>,
    raw_name: Option<String>,
}

impl Publisher for FederalRegister {
    fn requests(&self, standing: &Standing) -> Vec<Request> {
        let today = self.today(standing);
        let read = standing.marks.get(READ_UNTIL).and_then(|day| Period::parse(day).ok());
        let first = match (read, self.since) {
            (Some(read), since) => read.offset(-AGAIN_DAYS).max(since.unwrap_or(read.offset(-AGAIN_DAYS))),
            (None, Some(since)) => since,
            (None, None) => today.offset(-FIRST_DAYS),
        };
        vec![self.search(first.min(today), today)]
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        sniff(answer.body, "JSON")?;
        if answer.http_status.is_some_and(|status| status != 200) {
            return Err(said(answer.body));
        }
        let Found { count, next_page_url, results } = json(answer.body)?;
        let days = answer
            .question
            .split_once(' ')
            .and_then(|(first, last)| Some((Period::parse(first).ok()?, Period::parse(last).ok()?)));
        // The pages of a search that was not divided say the same count as its first.
        if count >= WINDOW
            && let Some((first, last)) = days
        {
            return self.divided(count, first, last);
        }
        self.page(count, results, next_page_url, answer)
    }

    fn pace(&self) -> Pace {
        Pace { account: "federal-register".to_owned(), spacing: SPACING, quota: None }
    }
}

impl FederalRegister {
    fn today(&self, standing: &Standing) -> Period {
        Period::containing(standing.now.date(self.common.zone), Frequency::Day)
    }

    /// The documents that were published in some days.
    fn search(&self, first: Period, last: Period) -> Request {
        let (from, to) = (first.to_string(), last.to_string());
        let cfr = self.cfr.map(|(title, part)| (title.to_string(), part.to_string()));
        let mut query = vec![("per_page", PAGE), ("order", "newest")];
        query.push(("conditions[publication_date][gte]", &from));
        query.push(("conditions[publication_date][lte]", &to));
        query.extend(self.term.as_deref().map(|term| ("conditions[term]", term)));
        query.extend(self.agencies.iter().map(|agency| ("conditions[agencies][]", agency.as_str())));
        query.extend(self.types.iter().map(|kind| ("conditions[type][]", *kind)));
        if let Some((title, part)) = &cfr {
            query.extend([("conditions[cfr][title]", title.as_str()), ("conditions[cfr][part]", part.as_str())]);
        }
        query.extend(FIELDS.map(|field| ("fields[]", field)));
        let request = Request::new(self.site.target("documents.json", query)).asking(format!("{from} {to}"));
        Request { accepts: &[400, 422], moves: true, ..request }
    }

    /// A search that finds too much, as two of half as many days.
    fn divided(&self, count: usize, first: Period, last: Period) -> Result<Page, ParseError> {
        let days = last.distance(first).unwrap_or_default();
        if days <= 0 {
            let help = "narrow the search by `term`, `agency`, `document_type` or `cfr`";
            return Err(ParseError::Truncated { rows: count, help });
        }
        let middle = first.offset(days / 2);
        Ok(Page { next: vec![self.search(first, middle), self.search(middle.next(), last)], ..Page::default() })
    }

    fn page(
        &self,
        count: usize,
        results: Option<Vec<serde_json::Value>>,
        next: Option<String>,
        answer: &Answer<'_>,
    ) -> Result<Page, ParseError> {
        let is_first = answer.question != FURTHER;
        let results = match results {
            Some(results) if is_first && next.is_none() && results.len() < count => {
                let why = format!(
                    "it tells of {}, lists {}, and names no further page",
                    counted(count, "document"),
                    results.len()
                );
                return Err(ParseError::NoData { why });
            }
            Some(results) => results,
            // Where nothing is found, there is no list at all.
            None if count == 0 => Vec::new(),
            None => {
                let why = format!("it tells of {} and lists none", counted(count, "document"));
                return Err(ParseError::NoData { why });
            }
        };
        let mut draft = Draft::default();
        for (index, document) in results.into_iter().enumerate() {
            draft.item(index + 1, item(document))?;
        }
        draft.next(next.map(|next| self.next(&next)).transpose()?);
        draft.mark(READ_UNTIL, self.today(answer.standing).to_string());
        if count == 0 {
            draft.note("no document matches".to_owned());
        }
        Ok(draft.finish())
    }

    /// The page that a page names: with a cursor in its address, it is asked for as it is.
    fn next(&self, address: &str) -> Result<Request, ParseError> {
        let foreign = || ParseError::Malformed {
            row: 1,
            reason: format!("`next_page_url` leads elsewhere: {}", shorten(&printable(address), 100)),
        };
        let url = Url::parse(address).map_err(|_| foreign())?;
        if url.origin() != self.site.base.origin() {
            return Err(foreign());
        }
        let Site { headers, insecure, allow_private, .. } = self.site.clone();
        let target = Target::Http { url, headers, insecure, allow_private };
        Ok(Request { accepts: &[400, 422], moves: true, ..Request::new(target).asking(FURTHER) })
    }
}

fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ParseError> {
    serde_json::from_slice(body)
        .map_err(|error| ParseError::Malformed { row: error.line(), reason: shorten(&error.to_string(), 200) })
}

/// What the publisher says of a search that it refuses: `{"message": …}`, or `{"errors": …}`.
fn said(body: &[u8]) -> ParseError {
    let found: Result<serde_json::Value, ParseError> = json(body);
    let said = match found {
        Ok(value) => match (value["message"].as_str(), &value["errors"]) {
            (Some(message), _) => message.to_owned(),
            (None, serde_json::Value::Null) => value.to_string(),
            (None, errors) => errors.to_string(),
        },
        Err(error) => return error,
    };
    ParseError::Said { said: shorten(&said, 300), passes: false }
}

/// A document as an item.
fn item(document: serde_json::Value) -> Result<Item, Fault> {
    let document: Document = serde_json::from_value(document).map_err(|error| Fault::whole(error.to_string()))?;
    let day = |column: &'static str, text: &str| {
        let day = Period::parse(text).ok().filter(|day| day.frequency() == Frequency::Day);
        day.ok_or_else(|| Fault::at(column, format!("`{}` is no day", shorten(text, 40))))
    };
    let words = |text_of: &Option<String>| text_of.as_deref().map(text).filter(|text| !text.is_empty());
    let (title, about) = (text(&document.title), words(&document.r#abstract));
    if document.document_number.is_empty() || document.document_number.chars().count() > ITEM_ID_CHARS_MAX {
        return Err(Fault::at("document_number", "no number"));
    }
    let (dates, action) = (words(&document.dates), words(&document.action));
    let said = [Some(&title), about.as_ref(), dates.as_ref(), action.as_ref()];
    let ends = said.into_iter().flatten().filter_map(|text| wording::ends(text)).max();
    let effective = document.effective_on.as_deref().map(|text| day("effective_on", text)).transpose()?;
    Ok(Item {
        day: day("publication_date", &document.publication_date)?,
        corrects: corrected(&document, &title),
        tags: tags(&document, action),
        id: document.document_number,
        title: shorten(&title, ITEM_TITLE_CHARS_MAX),
        url: document.html_url.filter(|url| url.starts_with("https://") && url.chars().count() <= ITEM_URL_CHARS_MAX),
        summary: shorten(&about.unwrap_or_default(), ITEM_TEXT_CHARS_MAX),
        effective,
        ends,
    })
}

/// The document that one corrects: as it says (an address that ends with the number), by its number (`C1-2026-16628`
/// corrects `2026-16628`), or by its title.
fn corrected(document: &Document, title: &str) -> Option<String> {
    let said = document.correction_of.as_deref().and_then(|address| {
        let last = address.trim_end_matches('/').rsplit('/').next()?;
        Some(last.trim_end_matches(".json").to_owned()).filter(|number| !number.is_empty())
    });
    let by_number = || {
        let (mark, number) = document.document_number.split_once('-')?;
        let is_mark = mark.strip_prefix('C').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        is_mark.then(|| number.to_owned())
    };
    said.or_else(by_number).or_else(|| wording::corrected(title))
}

fn tags(document: &Document, action: Option<String>) -> Vec<(String, String)> {
    let agencies = document.agencies.iter().filter_map(|agency| agency.name.as_ref().or(agency.raw_name.as_ref()));
    let tag = |name: &str, value: &str| (name.to_owned(), shorten(value, 200));
    let kind = document.r#type.iter().map(|kind| tag("type", kind));
    let agencies = agencies.take(10).map(|name| tag("agency", name));
    kind.chain(agencies).chain(action.iter().map(|action| tag("action", action))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::common;
    use super::*;
    use crate::base::clock::Timestamp;

    fn register() -> FederalRegister {
        FederalRegister {
            site: Site { base: ADDRESS.parse().unwrap(), headers: Vec::new(), insecure: false, allow_private: false },
            term: Some("\"rare earth\"".to_owned()),
            agencies: vec!["industry-and-security-bureau".to_owned()],
            types: vec!["RULE", "NOTICE"],
            cfr: Some((15, 744)),
            since: None,
            common: Common { zone: chrono_tz::America::New_York, frequency: Frequency::Day, ..common() },
        }
    }

    fn standing(read: Option<&str>) -> Standing {
        let marks = read.map(|day| (READ_UNTIL.to_owned(), day.to_owned())).into_iter().collect();
        // The evening before, in Washington.
        Standing { marks, ..Standing::new(Timestamp::parse("2026-10-03T01:00:00Z").unwrap()) }
    }

    fn address(request: &Request) -> String {
        match &request.target {
            Target::Http { url, .. } => {
                url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
            }
            Target::File(_) | Target::Folder(_) => panic!("expected an address"),
        }
    }

    #[test]
    fn a_search_names_its_days_its_conditions_and_its_fields() {
        let first = &register().requests(&standing(None))[0];
        insta::assert_snapshot!(address(first), @r#"per_page=1000&order=newest&conditions[publication_date][gte]=2026-09-02&conditions[publication_date][lte]=2026-10-02&conditions[term]="rare earth"&conditions[agencies][]=industry-and-security-bureau&conditions[type][]=RULE&conditions[type][]=NOTICE&conditions[cfr][title]=15&conditions[cfr][part]=744&fields[]=document_number&fields[]=title&fields[]=type&fields[]=publication_date&fields[]=html_url&fields[]=abstract&fields[]=agencies&fields[]=action&fields[]=dates&fields[]=effective_on&fields[]=correction_of"#);
        assert_eq!(first.question, "2026-09-02 2026-10-02");
        assert!(
            first.moves
                && matches!(&first.target, Target::Http { url, .. } if url.as_str().contains("conditions%5Bterm%5D=%22rare+earth%22"))
        );
        let question = |since: Option<&str>, read| {
            let since = since.map(|day| Period::parse(day).unwrap());
            FederalRegister { since, ..register() }.requests(&standing(read))[0].question.clone()
        };
        assert_eq!(question(Some("2025-01-01"), None), "2025-01-01 2026-10-02");
        assert_eq!(question(Some("2025-01-01"), Some("2026-10-01")), "2026-09-10 2026-10-02");
        assert_eq!(question(Some("2026-09-20"), Some("2026-10-01")), "2026-09-20 2026-10-02");
        assert_eq!(question(Some("2027-01-01"), None), "2026-10-02 2026-10-02");
    }

    fn parse(question: &str, status: u16, body: &str) -> Result<Page, ParseError> {
        let standing = standing(None);
        let answer = Answer { http_status: Some(status), ..Answer::ok(question, body.as_bytes(), &standing) };
        register().parse(&answer)
    }

    fn told(page: Result<Page, ParseError>) -> String {
        let page = match page {
            Ok(page) => page,
            Err(error) => return error.to_string(),
        };
        let item = |item: &Item| {
            let day = |word: &str, day: Option<Period>| day.map(|day| format!(" {word} {day}")).unwrap_or_default();
            let corrects = item.corrects.as_ref().map(|name| format!(" corrects {name}")).unwrap_or_default();
            let tags: Vec<&str> = item.tags.iter().map(|(_, value)| value.as_str()).collect();
            let (effective, ends) = (day("effective", item.effective), day("until", item.ends));
            format!(
                "{} {} {} [{}]{effective}{ends}{corrects}: {}",
                item.id,
                item.day,
                item.title,
                tags.join(", "),
                item.summary
            )
        };
        let next = page.next.iter().map(|request| format!("next: {}", request.question));
        let marks = page.marks.iter().map(|(name, value)| format!("{name} {value}"));
        let lines = page.items.iter().map(item).chain(page.refused.iter().map(ToString::to_string));
        lines.chain(next).chain(marks).chain(page.note.clone()).collect::<Vec<_>>().join("\n")
    }

    const DAYS: &str = "2026-09-02 2026-10-02";

    #[test]
    fn documents_are_items_and_corrections_name_theirs() {
        let body = r#"{"description":"Documents","count":4,"total_pages":1,"results":[
            {"title":"Controls on Gallium Arsenide &amp; Wafers","document_number":"2026-20001","publication_date":"2026-09-24",
             "html_url":"https://www.federalregister.gov/d/2026-20001","type":"Rule","abstract":"The Bureau suspends <em>these</em> controls.",
             "agencies":[{"raw_name":"DEPARTMENT OF COMMERCE","name":"Commerce Department","id":54},{"raw_name":"Office of Wafers"}],
             "action":"Final rule.","dates":"This rule is effective September 24, 2026, through November 9, 2026.","effective_on":"2026-09-24"},
            {"title":"Controls on Gallium Arsenide & Wafers","document_number":"C1-2026-20001","publication_date":"2026-09-28","abstract":null,"agencies":[]},
            {"title":"Correction of another","document_number":"2026-20100","publication_date":"2026-09-29","correction_of":"https://www.federalregister.gov/api/v1/documents/2026-19000"},
            {"title":"No day","document_number":"2026-20101","publication_date":null}]}"#;
        insta::assert_snapshot!(told(parse(DAYS, 200, body)), @"
        2026-20001 2026-09-24 Controls on Gallium Arsenide & Wafers [Rule, Commerce Department, Office of Wafers, Final rule.] effective 2026-09-24 until 2026-11-09: The Bureau suspends these controls.
        C1-2026-20001 2026-09-28 Controls on Gallium Arsenide & Wafers [] corrects 2026-20001: 
        2026-20100 2026-09-29 Correction of another [] corrects 2026-19000: 
        row 4: invalid type: null, expected a string
        read until 2026-10-02
        ");
    }

    #[test]
    fn a_search_that_finds_more_than_can_be_read_is_divided_by_days() {
        let many = r#"{"count":2000,"results":[]}"#;
        insta::assert_snapshot!(told(parse(DAYS, 200, many)), @"
        next: 2026-09-02 2026-09-17
        next: 2026-09-18 2026-10-02
        ");
        insta::assert_snapshot!(told(parse("2026-10-01 2026-10-02", 200, many)), @"
        next: 2026-10-01 2026-10-01
        next: 2026-10-02 2026-10-02
        ");
        insta::assert_snapshot!(told(parse("2026-10-02 2026-10-02", 200, many)), @"2000 rows, as many as the publisher gives at most: the answer is cut off; narrow the search by `term`, `agency`, `document_type` or `cfr`");
    }

    #[test]
    fn the_next_page_is_asked_for_as_it_is_named() {
        let page = |next: &str| parse(DAYS, 200, &format!(r#"{{"count":1500,"results":[],"next_page_url":"{next}"}}"#));
        let named = "https://www.federalregister.gov/api/v1/documents?search_after_cursor=a%3Db&page=2";
        let next = page(named).unwrap().next.remove(0);
        assert!(matches!(&next.target, Target::Http { url, .. } if url.as_str() == named));
        assert_eq!(next.question, "further");
        insta::assert_snapshot!(told(page("https://elsewhere.example/api")), @"row 1: `next_page_url` leads elsewhere: https://elsewhere.example/api");
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_nothing_found_is_none() {
        let told = [
            told(parse(DAYS, 200, r#"{"description":"Documents","count":0}"#)),
            told(parse(DAYS, 200, r#"{"description":"Documents","count":3}"#)),
            told(parse(DAYS, 200, r#"{"description":"Documents","count":3,"results":[]}"#)),
            told(parse(DAYS, 200, "<!DOCTYPE html><title>Request Access</title>")),
            told(parse(DAYS, 200, r#"{"message":"no"}"#)),
            told(parse(DAYS, 400, r#"{"message":"field 'presidential_document_type' not valid"}"#)),
            told(parse(DAYS, 422, r#"{"errors":{"agencies":"is not known"}}"#)),
        ];
        insta::assert_snapshot!(told.join("\n---\n"), @r#"
        read until 2026-10-02
        no document matches
        ---
        the answer has no figures: it tells of 3 documents and lists none
        ---
        the answer has no figures: it tells of 3 documents, lists 0, and names no further page
        ---
        expected JSON, found a web page titled "Request Access"
        ---
        row 1: missing field `count` at line 1 column 16
        ---
        the publisher says: field 'presidential_document_type' not valid
        ---
        the publisher says: {"agencies":"is not known"}
        "#);
    }
}

//! Korea's customs: exports and imports by good and country, from the portal of public data (data.go.kr).
//!
//! A question is of one code and of twelve months at most, so a feed asks for calendar years; the current and the last
//! at each pull, those before them only now and then. Source: the guide to 관세청 품목별 국가별 수출입실적
//! (nitemtrade/getNitemtradeList), data.go.kr. Values are in dollars, weights in kilograms, without a supplementary unit.

use chrono::{Datelike, NaiveDate};
use chrono_tz::Asia::Seoul;

use super::Common;
use super::draft::{Draft, Fault, Told};
use super::number::Numbers;
use super::site::Site;
use super::trade::{Flow, Measure};
use crate::base::secret::Secret;
use crate::base::text::shorten;
use crate::feed::codes::country::korea;
use crate::feed::format::items::{self, Head, Item};
use crate::feed::{Answer, Pace, Page, ParseError, Publisher, Quota, QuotaWindow, Request, Standing};
use crate::period::{Frequency, Length, Period, Span};
use crate::series::{Labels, Observation, Release, Status, Unit};

/// Where it is.
pub const ADDRESS: &str = "https://apis.data.go.kr/1220000/nitemtrade";
/// The question for items by country.
const PATH: &str = "getNitemtradeList";
/// One request a second at most.
const SPACING: std::time::Duration = std::time::Duration::from_secs(1);
/// What the portal gives to a key that is for development.
const CALLS_A_DAY: u32 = 1000;
/// A year that is over and was read is asked about again after so many days: it may have been revised.
const YEAR_STANDS_DAYS: i64 = 30;
/// What is measured here.
pub const MEASURES: [(&str, Measure); 2] = [("value", Measure::Value), ("weight", Measure::Weight)];
/// Wrong keys and used-up quotas come with these, or with 200.
const READ: &[u16] = &[400, 401, 403];

/// Trade as Korea's customs have it.
#[derive(Clone, Debug)]
pub struct Korea {
    /// Where it is asked.
    pub site: Site,
    /// The user's key, decoded.
    pub key: Secret,
    /// Codes of goods.
    pub goods: Vec<String>,
    /// Partners' codes; empty: every country.
    pub partners: Vec<String>,
    /// Which ways.
    pub flows: Vec<Flow>,
    /// What is measured.
    pub measures: Vec<Measure>,
    /// The first month that is asked for.
    pub since: Option<Period>,
    /// Frequency, labels, zone.
    pub common: Common,
}

/// The key as the portal checks it. It hands out each key in two forms; the encoded one, encoded again with the
/// rest of an address, is another key.
pub fn decoded(key: &Secret) -> Secret {
    // A decoded key is Base64, which has no percent sign.
    if !key.expose().contains('%') {
        return key.clone();
    }
    // Within a query a plus sign would be a space.
    let query = format!("k={}", key.expose().replace('+', "%2B"));
    let decoded = url::form_urlencoded::parse(query.as_bytes()).next();
    decoded.map_or_else(|| key.clone(), |(_, key)| Secret::new(key.into_owned()))
}

/// What a request is about: a code, a partner or all, a year.
struct Asked<'q> {
    good: &'q str,
    partner: &'q str,
    year: i32,
}

impl<'q> Asked<'q> {
    /// From the question of a request, which is also the name of its mark: `85051110 CN 2025`.
    fn read(question: &'q str) -> Option<Self> {
        let mut words = question.split(' ');
        Some(Self { good: words.next()?, partner: words.next()?, year: words.next()?.parse().ok()? })
    }
}

/// The word of a question about every country.
const ALL: &str = "*";

impl Publisher for Korea {
    fn requests(&self, standing: &Standing) -> Vec<Request> {
        let today = standing.now.date(Seoul);
        let all = [ALL.to_owned()];
        let partners = if self.partners.is_empty() { &all[..] } else { &self.partners };
        let mut requests = Vec::new();
        for good in &self.goods {
            for partner in partners {
                let years = self.years(today).filter(|year| is_due(*year, good, partner, standing, today));
                requests.extend(years.map(|year| self.request(good, partner, year, today)));
            }
        }
        requests
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        let mut draft = Draft::default();
        let asked = Asked::read(answer.question);
        let head = items::read(answer.body, &mut |number, item| {
            if is_total(item) { Ok(()) } else { self.rows(number, item, asked.as_ref(), &mut draft) }
        });
        let head = head.map_err(|error| self.without_key(error))?;
        self.went_well(&head, answer)?;
        let mut page = draft.finish();
        match asked {
            Some(asked) if page.rows == 0 => self.nothing(&asked, answer),
            Some(_) => {
                let today = answer.standing.now.date(Seoul).to_string();
                page.marks.push((answer.question.to_owned(), today));
                Ok(page)
            }
            None => Ok(page),
        }
    }

    fn pace(&self) -> Pace {
        let quota = Quota { calls: CALLS_A_DAY, window: QuotaWindow::Day };
        Pace { account: "data.go.kr".to_owned(), spacing: SPACING, quota: Some(quota) }
    }

    /// About the 15th of the following month.
    fn release(&self) -> Option<Release> {
        Some(Release {
            day: Some(15),
            after: Length::parse("1mo")?,
            grace: Length::parse("5d")?,
            skip: Vec::new(),
            zone: Seoul,
        })
    }
}

/// Whether a year is to be asked about: it goes on or ended a year ago at most, was never read, or was long ago.
fn is_due(year: i32, good: &str, partner: &str, standing: &Standing, today: NaiveDate) -> bool {
    let read = standing.marks.get(&format!("{good} {partner} {year}"));
    let read = read.and_then(|date| date.parse::<NaiveDate>().ok());
    year + 1 >= today.year() || read.is_none_or(|read| (today - read).num_days() >= YEAR_STANDS_DAYS)
}

impl Korea {
    /// The years from the first on, the newest first: without one, this year and the last.
    fn years(&self, today: NaiveDate) -> impl Iterator<Item = i32> + use<> {
        let first = self.since.map_or(today.year() - 1, |since| since.first_day().year());
        (first..=today.year()).rev()
    }

    fn request(&self, good: &str, partner: &str, year: i32, today: NaiveDate) -> Request {
        let first =
            self.since.filter(|since| since.first_day().year() == year).map_or(1, |since| since.first_day().month());
        let last = if year == today.year() { today.month() } else { 12 };
        let (first, last) = (format!("{year}{first:02}"), format!("{year}{last:02}"));
        let query = [("serviceKey", self.key.expose()), ("strtYymm", &first), ("endYymm", &last), ("hsSgn", good)];
        let country = (partner != ALL).then_some(("cntyCd", partner));
        let target = self.site.target(PATH, query.into_iter().chain(country));
        let request = Request::new(target).asking(format!("{good} {partner} {year}"));
        // What is long past is read when there is time and quota for it.
        Request { accepts: READ, may_wait: year + 1 < today.year(), ..request }
    }

    /// An error that quotes the answer, which may quote the key.
    fn without_key(&self, error: ParseError) -> ParseError {
        match error {
            ParseError::Foreign { expected, found } => {
                ParseError::Foreign { expected, found: self.key.remove_from(&found) }
            }
            other => other,
        }
    }

    /// Refuses an answer that says that it did not go well.
    fn went_well(&self, head: &Head, answer: &Answer<'_>) -> Result<(), ParseError> {
        let code = head.code.trim_start_matches('0');
        // `03` is an answer without items in other words.
        if matches!(code, "" | "3") && !head.code.is_empty() && answer.http_status.is_none_or(|status| status == 200) {
            return Ok(());
        }
        if head.code.is_empty() && head.said.is_empty() {
            return Err(ParseError::Foreign {
                expected: "XML of data.go.kr",
                found: "XML without its head".to_owned(),
            });
        }
        let said = shorten(&self.key.remove_from(&head.said), 200);
        let known = REASONS.iter().find(|(known, ..)| *known == code);
        let (help, passes) = known.map_or(("", false), |(_, help, passes)| (*help, *passes));
        let said = [format!("{} {said}", head.code).trim().to_owned(), help.to_owned()];
        let said: Vec<String> = said.into_iter().filter(|words| !words.is_empty()).collect();
        Err(ParseError::Said { said: said.join(": "), passes })
    }

    /// An answer without items: nothing is out yet, or the code is wrong.
    fn nothing(&self, asked: &Asked<'_>, answer: &Answer<'_>) -> Result<Page, ParseError> {
        let is_over = asked.year < answer.standing.now.date(Seoul).year();
        // Every code is traded with someone; with one country it may well not be.
        if is_over && asked.partner == ALL && answer.standing.marks.is_empty() {
            let why = format!(
                "nothing was traded under {} in {}; is it a code of the HSK, and was it one then?",
                shorten(asked.good, 20),
                asked.year
            );
            return Err(ParseError::NoData { why });
        }
        let note = format!("{}: nothing in {}", shorten(asked.good, 20), asked.year);
        Ok(Page { note: is_over.then_some(note), ..Page::default() })
    }

    /// The figures of an item.
    fn rows(&self, number: usize, item: &Item, asked: Option<&Asked<'_>>, draft: &mut Draft) -> Result<(), ParseError> {
        let place = match self.place(item, asked) {
            Ok(place) => place,
            Err(fault) => return draft.row(number, Err(fault)),
        };
        for flow in &self.flows {
            for measure in &self.measures {
                draft.row(number, figure(item, &place, *flow, *measure))?;
            }
        }
        Ok(())
    }

    /// The labels of an item's figures but for flow and measure, and their month.
    fn place(&self, item: &Item, asked: Option<&Asked<'_>>) -> Result<(Labels, Span), Fault> {
        let good = text(item, "hsCd").or_else(|_| text(item, "hsCode"))?;
        let is_asked = |code: &str| good.starts_with(code) || code.starts_with(good);
        if !good.bytes().all(|byte| byte.is_ascii_digit()) || asked.is_some_and(|asked| !is_asked(asked.good)) {
            return Err(Fault::at("hsCd", format!("`{}` was not asked for", shorten(good, 60))));
        }
        let partner = text(item, "statCd")?;
        if partner.len() != 2 || !partner.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Fault::at("statCd", format!("`{}` is no code of a country", shorten(partner, 60))));
        }
        let year = text(item, "year")?;
        let span = Span::read(year, Frequency::Month, None).map_err(|error| Fault::at("year", error.to_string()))?;
        let mut labels = self.common.labels.clone();
        labels.set("reporter", "KR");
        labels.set("partner", korea::TABLE.iso(partner).unwrap_or(partner));
        labels.set("hs", good);
        Ok((labels, span))
    }
}

/// One figure of an item.
fn figure(item: &Item, (labels, span): &(Labels, Span), flow: Flow, measure: Measure) -> Result<Told, Fault> {
    let (value, weight) = match flow {
        Flow::Export => ("expDlr", "expWgt"),
        Flow::Import => ("impDlr", "impWgt"),
    };
    let (name, unit) = if measure == Measure::Weight { (weight, "kg") } else { (value, "USD") };
    let number = |name: &str| {
        let written = text(item, name).unwrap_or_default();
        let read = Numbers { decimal: '.', thousands: Some(',') }.read(written);
        read.map_err(|reason| Fault::at(name, reason))
    };
    let mut labels = labels.clone();
    labels.set("flow", flow.name());
    labels.set("measure", measure.name());
    // Less than half a kilogram is written as none.
    let is_zero = |name| Ok::<_, Fault>(number(name)?.is_none_or(|number| number.get() == 0.0));
    let found = match number(name)? {
        Some(found) if measure != Measure::Weight || found.get() != 0.0 || is_zero(value)? => found,
        _ => return Ok(Told::Unavailable(labels, *span)),
    };
    let (unit, status) = (Unit::parse(unit).ok(), Status::Final);
    Ok(Told::Figure(Observation { labels, span: *span, value: Some(found), unit, status, published: None, row: 0 }))
}

/// Whether an item is of all countries, goods or months together, as the one that comes first in each answer.
fn is_total(item: &Item) -> bool {
    let is = |name: &str, words: &[&str]| item.get(name).is_some_and(|text| words.contains(&text.as_str()));
    is("hsCd", &["-"]) || is("statCd", &["-"]) || is("year", &["총계", "합계", "-"])
}

fn text<'i>(item: &'i Item, name: &str) -> Result<&'i str, Fault> {
    let text = item.get(name).map(String::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| Fault::at(name, "there is nothing"))
}

/// The portal's codes, what to do, and whether it passes by itself.
const REASONS: [(&str, &str, bool); 11] = [
    ("1", "the service is unwell", true),
    ("2", "the service is unwell", true),
    ("4", "the service is unwell", true),
    ("5", "the service did not answer in time", true),
    ("10", "is the code one of the HSK, and are there months in the question?", false),
    ("12", "there is no such service at this address", false),
    ("20", "apply for the service at data.go.kr with this key", false),
    ("22", "today's requests are used up", true),
    ("30", "the portal does not know the key: is `key` whole, and has an hour passed since it was given?", false),
    ("31", "the key has run out: prolong it at data.go.kr", false),
    ("32", "the portal does not let this address in", false),
];

#[cfg(test)]
mod tests {
    use super::super::tests::{common, told};
    use super::*;
    use crate::base::clock::Timestamp;
    use crate::feed::Target;

    const KEY: &str = "CANARY+KEY/Ab3=";

    fn feed(partners: &[&str], since: Option<&str>) -> Korea {
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Korea {
            site: Site { base: ADDRESS.parse().unwrap(), headers: Vec::new(), insecure: false, allow_private: false },
            key: Secret::new(KEY),
            goods: strings(&["850511"]),
            partners: strings(partners),
            flows: Flow::ALL.map(|(_, flow)| flow).to_vec(),
            measures: MEASURES.map(|(_, measure)| measure).to_vec(),
            since: since.map(|since| Period::parse(since).unwrap()),
            common: Common { labels: Labels::default(), ..common() },
        }
    }

    fn standing(now: &str, marks: &[(&str, &str)]) -> Standing {
        let marks = marks.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Standing { now: Timestamp::parse(now).unwrap(), marks }
    }

    const NOW: &str = "2026-03-16T01:00:00Z";

    fn asked(feed: &Korea, now: &str, marks: &[(&str, &str)]) -> Vec<String> {
        let address = |request: Request| match request.target {
            Target::Http { url, .. } => {
                let query = url.query().unwrap().replace("serviceKey=CANARY%2BKEY%2FAb3%3D&", "");
                format!("{}{query}", if request.may_wait { "(may wait) " } else { "" })
            }
            Target::File(_) | Target::Folder(_) => panic!("expected an address"),
        };
        feed.requests(&standing(now, marks)).into_iter().map(address).collect()
    }

    /// An answer with the total first, and an item for each of `month country exports kg imports kg`.
    fn answer(items: &[&str]) -> String {
        let item = |row: &&str| {
            let parts: Vec<&str> = row.split(' ').collect();
            let [year, country, dollars, kilograms, imports, weight] = parts.as_slice() else { panic!("{row}") };
            format!(
                "<item><balPayments>1</balPayments><expDlr>{dollars}</expDlr><expWgt>{kilograms}</expWgt>\
                 <hsCd>8505110000</hsCd><impDlr>{imports}</impDlr><impWgt>{weight}</impWgt><statCd>{country}</statCd>\
                 <statCdCntnKor1>이름</statCdCntnKor1><statKor>자석</statKor><year>{year}</year></item>"
            )
        };
        let total = "<item><balPayments>-9</balPayments><expDlr>999</expDlr><expWgt>999</expWgt><hsCd>-</hsCd>\
                     <impDlr>999</impDlr><impWgt>999</impWgt><statCd>-</statCd><statCdCntnKor1>-</statCdCntnKor1>\
                     <statKor>-</statKor><year>총계</year></item>";
        let items = items.iter().map(item).collect::<String>();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><response><header><resultCode>00</resultCode>\
                 <resultMsg>정상서비스.</resultMsg></header><body><items>{total}{items}</items></body></response>"
        )
    }

    fn parse(question: &str, marks: &[(&str, &str)], body: &str) -> Result<Page, ParseError> {
        feed(&[], None).parse(&Answer::ok(question, body.as_bytes(), &standing(NOW, marks)))
    }

    #[test]
    fn a_question_is_of_twelve_months_at_most() {
        insta::assert_snapshot!(asked(&feed(&["CN", "JP"], Some("2024-11")), NOW, &[]).join("\n"), @"
        strtYymm=202601&endYymm=202603&hsSgn=850511&cntyCd=CN
        strtYymm=202501&endYymm=202512&hsSgn=850511&cntyCd=CN
        (may wait) strtYymm=202411&endYymm=202412&hsSgn=850511&cntyCd=CN
        strtYymm=202601&endYymm=202603&hsSgn=850511&cntyCd=JP
        strtYymm=202501&endYymm=202512&hsSgn=850511&cntyCd=JP
        (may wait) strtYymm=202411&endYymm=202412&hsSgn=850511&cntyCd=JP
        ");
        assert_eq!(
            asked(&feed(&[], None), NOW, &[]),
            ["strtYymm=202601&endYymm=202603&hsSgn=850511", "strtYymm=202501&endYymm=202512&hsSgn=850511"]
        );
        // In Seoul the year has begun.
        assert_eq!(
            asked(&feed(&[], None), "2025-12-31T16:00:00Z", &[])[0],
            "strtYymm=202601&endYymm=202601&hsSgn=850511"
        );
    }

    #[test]
    fn years_long_past_are_asked_about_now_and_then() {
        let feed = feed(&[], Some("2023-01"));
        let years = |date: &str| {
            let marks = [("850511 * 2023", date), ("850511 * 2024", "2026-03-10"), ("850511 * 2025", "2026-03-10")];
            asked(&feed, NOW, &marks)
                .iter()
                .map(|query| query[query.find("=20").unwrap() + 1..][..4].to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(years("2026-03-01"), ["2026", "2025"]);
        assert_eq!(years("2026-02-01"), ["2026", "2025", "2023"]);
        assert_eq!(years("soon"), ["2026", "2025", "2023"]);
    }

    #[test]
    fn both_forms_of_a_key_are_the_same_key() {
        for given in [KEY, "CANARY%2BKEY%2FAb3%3D", "CANARY+KEY%2FAb3="] {
            assert_eq!(decoded(&Secret::new(given)).expose(), KEY, "{given}");
        }
        let feed = feed(&[], None);
        let request = &feed.requests(&standing(NOW, &[]))[0];
        let Target::Http { url, .. } = &request.target else { panic!("expected an address") };
        assert!(url.as_str().contains("serviceKey=CANARY%2BKEY%2FAb3%3D&"), "encoded once");
        assert!(!format!("{feed:?}").contains("CANARY"));
        let shown = crate::feed::fetch::shown(&request.target);
        assert!(!shown.contains("CANARY"), "{shown}");
    }

    #[test]
    fn the_total_that_comes_first_is_no_country() {
        let body = answer(&["2026.01 CN 0 0 61000500 1288000", "2026.02 US 2900 41 0 0"]);
        let page = parse("850511 * 2026", &[], &body);
        assert_eq!(page.as_ref().unwrap().marks, [("850511 * 2026".to_owned(), "2026-03-16".to_owned())]);
        insta::assert_snapshot!(told(page), @r#"
        2: {flow="import", hs="8505110000", measure="value", partner="CN", reporter="KR"} 2026-01 61000500 USD final
        2: {flow="import", hs="8505110000", measure="weight", partner="CN", reporter="KR"} 2026-01 1288000 kg final
        2: {flow="export", hs="8505110000", measure="value", partner="CN", reporter="KR"} 2026-01 0 USD final
        2: {flow="export", hs="8505110000", measure="weight", partner="CN", reporter="KR"} 2026-01 0 kg final
        3: {flow="import", hs="8505110000", measure="value", partner="US", reporter="KR"} 2026-02 0 USD final
        3: {flow="import", hs="8505110000", measure="weight", partner="US", reporter="KR"} 2026-02 0 kg final
        3: {flow="export", hs="8505110000", measure="value", partner="US", reporter="KR"} 2026-02 2900 USD final
        3: {flow="export", hs="8505110000", measure="weight", partner="US", reporter="KR"} 2026-02 41 kg final
        8 rows, 0 refused
        "#);
    }

    #[test]
    fn a_weight_of_zero_with_a_value_is_missing_and_no_zero() {
        insta::assert_snapshot!(told(parse("850511 * 2026", &[], &answer(&["2026.01 AE 226 0 0 0"]))), @r#"
        2: {flow="import", hs="8505110000", measure="value", partner="AE", reporter="KR"} 2026-01 0 USD final
        2: {flow="import", hs="8505110000", measure="weight", partner="AE", reporter="KR"} 2026-01 0 kg final
        2: {flow="export", hs="8505110000", measure="value", partner="AE", reporter="KR"} 2026-01 226 USD final
        not available: {flow="export", hs="8505110000", measure="weight", partner="AE", reporter="KR"} 2026-01
        4 rows, 0 refused
        "#);
    }

    #[test]
    fn rows_that_cannot_be_read_are_refused() {
        let items = ["2026 CN 1 1 1 1", "2026.13 CN 1 1 1 1", "2026.01 CHN 1 1 1 1", "2026.01 CN x 1 1 1"];
        insta::assert_snapshot!(told(parse("850511 * 2026", &[], &answer(&items))), @r#"
        5: {flow="import", hs="8505110000", measure="value", partner="CN", reporter="KR"} 2026-01 1 USD final
        5: {flow="import", hs="8505110000", measure="weight", partner="CN", reporter="KR"} 2026-01 1 kg final
        5: {flow="export", hs="8505110000", measure="weight", partner="CN", reporter="KR"} 2026-01 1 kg final
        row 2, column `year`: `2026` is a year: expected a month, like 2025-09
        row 3, column `year`: `2026.13` is no period: expected a form like 2025-09
        row 4, column `statCd`: `CHN` is no code of a country
        row 5, column `expDlr`: `x` is no number
        7 rows, 4 refused
        "#);
        assert_eq!(
            told(parse("260500 * 2026", &[], &answer(&["2026.01 CN 1 1 1 1"]))),
            "row 2, column `hsCd`: `8505110000` was not asked for\n1 rows, 1 refused"
        );
        let empty = answer(&["2026.01 CN 1 1 1 1"]).replace("<statCd>CN</statCd>", "<statCd/>");
        assert!(told(parse("850511 * 2026", &[], &empty)).starts_with("row 2, column `statCd`: there is nothing"));
    }

    #[test]
    fn an_error_comes_as_a_success() {
        let gateway = |code: &str, said: &str| {
            format!(
                "<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg><returnAuthMsg>{said}</returnAuthMsg><returnReasonCode>{code}</returnReasonCode></cmmMsgHeader></OpenAPI_ServiceResponse>"
            )
        };
        let passes = |body: &str| match parse("", &[], body) {
            Err(ParseError::Said { passes, .. }) => passes,
            other => panic!("{other:?}"),
        };
        let key = gateway("30", "SERVICE_KEY_IS_NOT_REGISTERED_ERROR");
        let quota = gateway("22", "LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR");
        assert_eq!((passes(&key), passes(&quota)), (false, true));
        let echoed = gateway("99", &format!("UNKNOWN {KEY}"));
        insta::assert_snapshot!(
            [
                &key,
                &quota,
                &echoed,
                "<response><header><resultCode>10</resultCode><resultMsg>INVALID_REQUEST_PARAMETER_ERROR</resultMsg></header></response>",
                "<response><body/></response>",
                "<html><title>Maintenance</title></html>",
                &format!("Unauthorized {KEY}"),
                "",
            ]
            .map(|body| told(parse("850511 * 2026", &[], body)))
            .join("\n"),
            @r#"
        the publisher says: 30 SERVICE_KEY_IS_NOT_REGISTERED_ERROR: the portal does not know the key: is `key` whole, and has an hour passed since it was given?
        the publisher says: 22 LIMITED_NUMBER_OF_SERVICE_REQUESTS_EXCEEDS_ERROR: today's requests are used up
        the publisher says: 99 UNKNOWN <secret>
        the publisher says: 10 INVALID_REQUEST_PARAMETER_ERROR: is the code one of the HSK, and are there months in the question?
        expected XML of data.go.kr, found XML without its head
        expected XML of data.go.kr, found a web page titled "Maintenance"
        expected XML of data.go.kr, found a text: Unauthorized <secret>
        the response is empty
        "#
        );
    }

    #[test]
    fn nothing_is_no_zero_and_a_wrong_code_is_told_at_once() {
        let nothing = "<response><header><resultCode>00</resultCode></header><body><items/></body></response>";
        let total_alone = answer(&[]);
        for body in [nothing, &total_alone, &nothing.replace("00", "03")] {
            let page = parse("850511 * 2026", &[], body).unwrap();
            assert_eq!((page.rows, page.note, page.marks.len()), (0, None, 0), "not out yet");
            assert_eq!(
                told(parse("850511 * 2025", &[], body)),
                "the answer has no figures: nothing was traded under 850511 in 2025; is it a code of the HSK, and was it one then?"
            );
            let page = parse("850511 MN 2025", &[], body).unwrap();
            assert_eq!(page.note.as_deref(), Some("850511: nothing in 2025"));
            let page = parse("850511 * 2025", &[("850511 * 2024", "2026-03-01")], body).unwrap();
            assert_eq!((page.rows, page.note.as_deref()), (0, Some("850511: nothing in 2025")));
        }
    }
}

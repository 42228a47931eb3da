//! Any source that speaks SDMX (ECB, OECD, BIS, IMF, UNSD, Eurostat): a whole address, or a dataflow and a key.
//!
//! Source: the SDMX RESTful web services' guidelines (github.com/sdmx-twg/sdmx-rest). What no key says (units, how
//! late the figures are, which codes mean groups) is for the config to say.

use super::site::Site;
use super::{Columns, Common, cube};
use crate::base::secret::Secret;
use crate::feed::format::{is_html, said, sdmx};
use crate::feed::{Answer, Page, ParseError, Publisher, Request, Standing, Target};
use crate::period::Period;

/// "No figures" at ECB and OECD, and "too large" of HTTP and of SDMX.
const READ: &[u16] = &[404, 413, 510];

/// Some series of an SDMX source.
#[derive(Clone, Debug)]
pub struct Sdmx {
    /// What to fetch.
    pub request: Request,
    /// Frequency, labels, zone.
    pub common: Common,
    /// Which dimensions are labels, and what else has another name than usual.
    pub columns: Columns,
}

/// How figures are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// SDMX-CSV.
    Csv,
    /// SDMX-JSON.
    Json,
    /// SDMX-ML, structure-specific.
    Xml,
}

impl Form {
    /// Every form with its name.
    pub const ALL: [(&'static str, Self); 3] = [("csv", Self::Csv), ("json", Self::Json), ("xml", Self::Xml)];

    /// The media types that stand for it, the best first.
    const fn media(self) -> &'static str {
        match self {
            Self::Csv => "application/vnd.sdmx.data+csv, text/csv;q=0.5",
            Self::Json => {
                "application/vnd.sdmx.data+json;version=2.0.0, application/vnd.sdmx.data+json;q=0.9, application/json;q=0.5"
            }
            Self::Xml => "application/vnd.sdmx.structurespecificdata+xml, application/xml;q=0.5",
        }
    }
}

/// What to ask of a source.
#[derive(Clone, Debug)]
pub struct Query {
    /// `EXR`, `AGENCY,FLOW,VERSION`, or `dataflow/AGENCY/FLOW/VERSION` of version 3.
    pub dataflow: String,
    /// The key; empty for everything.
    pub key: String,
    /// The first period.
    pub since: Option<Period>,
}

impl Query {
    /// Its address on a site.
    pub fn target(&self, site: &Site) -> Target {
        let third = self.dataflow.starts_with("dataflow/");
        let key = match (self.key.as_str(), third) {
            ("", true) => "*",
            ("", false) => "all",
            (key, _) => key,
        };
        let since = self.since.map(|since| since.to_string());
        let since = since.map(|since| match third {
            true => ("c[TIME_PERIOD]", format!("ge:{since}")),
            false => ("startPeriod", since),
        });
        let query = since.as_ref().map(|(name, value)| (*name, value.as_str()));
        site.target(&format!("data/{}/{key}", self.dataflow), query)
    }
}

/// The site asked for figures in one form; a header of the config's own says more.
pub fn in_form(site: &Site, form: Form) -> Site {
    let asks = site.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept"));
    if asks { site.clone() } else { site.with_header("Accept", Secret::new(form.media())) }
}

/// A request of which the answers are read that say why there is nothing.
pub fn request(target: Target) -> Request {
    Request { accepts: READ, ..Request::new(target) }
}

/// The error that an answer is by its status, where it is one.
pub fn refused(answer: &Answer<'_>, target: &Target) -> Result<(), ParseError> {
    let Some(status) = answer.http_status.filter(|status| *status != 200) else { return Ok(()) };
    let said = if is_html(answer.body.trim_ascii_start()) { String::new() } else { said::words(answer.body) };
    let said = target.without_secrets(&said);
    if status == 404 {
        let said = if said.is_empty() { String::new() } else { format!(" ({said})") };
        let why = format!("the publisher answers 404{said}: there are none for this key, or there is no such dataflow");
        return Err(ParseError::NoData { why });
    }
    Err(said::refusal(Some(u64::from(status)), said))
}

impl Publisher for Sdmx {
    fn requests(&self, _: &Standing) -> Vec<Request> {
        vec![self.request.clone()]
    }

    fn parse(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        refused(answer, &self.request.target)?;
        self.read(answer.body)
    }
}

impl Sdmx {
    /// Reads a whole message.
    pub fn read(&self, body: &[u8]) -> Result<Page, ParseError> {
        cube::read(sdmx::read, body, &self.common, &self.columns)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{common, told};
    use super::*;
    use crate::base::clock::Timestamp;

    fn columns(labels: &[(&str, &str)]) -> Columns {
        let labels = labels.iter().map(|(label, name)| ((*label).to_owned(), (*name).to_owned())).collect();
        Columns { period: None, value: None, unit: None, status: None, published: None, labels }
    }

    fn feed(labels: &[(&str, &str)]) -> Sdmx {
        let request = super::super::tests::request();
        Sdmx { request: self::request(request.target), common: common(), columns: columns(labels) }
    }

    fn parse(feed: &Sdmx, status: u16, body: &str) -> String {
        let standing = Standing::new(Timestamp::from_millis(0));
        told(feed.parse(&Answer { http_status: Some(status), ..Answer::ok("", body.as_bytes(), &standing) }))
    }

    #[test]
    fn addresses_of_versions_2_and_3() {
        let site = |base: &str| Site {
            base: base.parse().unwrap(),
            headers: Vec::new(),
            insecure: false,
            allow_private: false,
        };
        let address = |base, dataflow: &str, key: &str| {
            let query = Query { dataflow: dataflow.into(), key: key.into(), since: Period::month(2024, 1) };
            let Target::Http { url, .. } = query.target(&site(base)) else { panic!("expected an address") };
            url.to_string()
        };
        assert_eq!(
            address("https://a.example/service?format=csvdata", "EXR", "M.USD+CNY..SP00"),
            "https://a.example/service/data/EXR/M.USD+CNY..SP00?format=csvdata&startPeriod=2024-01"
        );
        assert_eq!(
            address("https://a.example/rest/", "OECD.SDD,DSD@DF,1.0", ""),
            "https://a.example/rest/data/OECD.SDD,DSD@DF,1.0/all?startPeriod=2024-01"
        );
        assert_eq!(
            address("https://a.example/3.0", "dataflow/IMF.RES/PCPS/9.0.0", "G001.PCOPP.USD.M"),
            "https://a.example/3.0/data/dataflow/IMF.RES/PCPS/9.0.0/G001.PCOPP.USD.M?c%5BTIME_PERIOD%5D=ge%3A2024-01"
        );
        let Target::Http { headers, .. } = in_form(&site("https://a.example"), Form::Csv).target("", []) else {
            panic!()
        };
        assert_eq!(headers[0].1.expose(), "application/vnd.sdmx.data+csv, text/csv;q=0.5");
        let own = site("https://a.example").with_header("accept", Secret::new("text/csv"));
        assert_eq!(in_form(&own, Form::Json).headers.len(), 1);
    }

    #[test]
    fn imfs_prices_in_each_form_are_the_same_figures() {
        let feed = feed(&[("series", "INDICATOR")]);
        let csv = "DATAFLOW,COUNTRY,INDICATOR,DATA_TRANSFORMATION,FREQUENCY,TIME_PERIOD,OBS_VALUE,SCALE\n\
            IMF.RES:PCPS(9.0.0),G001,PCOPP,USD,M,2026-M07,9393.73,0\n\
            IMF.RES:PCPS(9.0.0),G001,PCOPP,USD,M,2026-M08,,0\n";
        let json = r#"{"data": {"structures": [{"dimensions": {
            "series": [{"id": "INDICATOR", "keyPosition": 0, "values": [{"id": "PCOPP"}]}],
            "observation": [{"id": "TIME_PERIOD", "values": [{"value": "2026-M07"}, {"value": "2026-M08"}]}]}}],
            "dataSets": [{"structure": 0, "series": {"0": {"observations": {"0": ["9393.73"], "1": [null]}}}}]}}"#;
        let xml = r#"<S><DataSet><Series INDICATOR="PCOPP"><Obs TIME_PERIOD="2026-M07" OBS_VALUE="9393.73"/>
            <Obs TIME_PERIOD="2026-M08" OBS_VALUE="NaN"/></Series></DataSet></S>"#;
        let figures = r#"{feed="x", reporter="CHN", series="PCOPP"} 2026-07 9393.73 final"#;
        for (body, row) in [(csv, 2), (json, 1), (xml, 1)] {
            let told = parse(&feed, 200, body).replace(r#"reporter="CN""#, r#"reporter="CHN""#);
            assert!(told.starts_with(&format!("{row}: {figures}\nnot available: ")), "{told}");
        }
    }

    #[test]
    fn a_withdrawal_is_told_and_last_update_is_the_vintage() {
        let feed = feed(&[("partner", "geo")]);
        let csv = "STRUCTURE,STRUCTURE_ID,ACTION,LAST UPDATE,freq,geo,TIME_PERIOD,OBS_VALUE,OBS_FLAG\n\
            dataflow,ESTAT:X(1.0),I,15/09/26 11:00:00,M,EL,2026-07,5,bp\n\
            dataflow,ESTAT:X(1.0),D,15/09/26 11:00:00,M,EL,2026-06,,\n\
            dataflow,ESTAT:X(1.0),I,15/09/26 11:00:00,A,EL,2026,60,\n";
        insta::assert_snapshot!(parse(&feed, 200, csv), @r#"
        2: {feed="x", partner="GR", reporter="CN"} 2026-07 5 preliminary published 2026-09-15T03:00:00Z
        3: {feed="x", partner="GR", reporter="CN"} 2026-06 withdrawn final published 2026-09-15T03:00:00Z
        row 4, column `TIME_PERIOD`: `2026` is a year: expected a month, like 2025-09
        3 rows, 1 refused
        "#);
    }

    #[test]
    fn a_wrong_order_of_the_key_is_answered_with_nothing_and_is_an_error() {
        let feed = feed(&[("partner", "COUNTRY")]);
        let errors = [
            parse(&feed, 200, "DATAFLOW,COUNTRY,TIME_PERIOD,OBS_VALUE\n"),
            parse(&feed, 200, r#"{"data": {"structures": [], "dataSets": []}}"#),
            parse(
                &feed,
                200,
                r#"{"data": {"structures": [{"dimensions": {"series": [{"id": "COUNTRY"}], "observation": [{"id": "TIME_PERIOD"}]}}], "dataSets": [{"series": {}}]}}"#,
            ),
            parse(&feed, 200, "<S><DataSet/></S>"),
            parse(&feed, 404, "No results for CANARY-KEY"),
            parse(&feed, 404, "<html><title>Not found</title></html>"),
            parse(&feed, 413, "Too many"),
            parse(&feed, 200, "<!DOCTYPE html><title>Sign in</title>"),
            parse(&feed, 200, ""),
        ];
        insta::assert_snapshot!(errors.join("\n"), @r#"
        the answer has no figures: a key whose parts stand in another order, or a code that the publisher does not know, is often answered so
        the answer has no figures: a key whose parts stand in another order, or a code that the publisher does not know, is often answered so
        the answer has no figures: a key whose parts stand in another order, or a code that the publisher does not know, is often answered so
        the answer has no figures: a key whose parts stand in another order, or a code that the publisher does not know, is often answered so
        the answer has no figures: the publisher answers 404 (No results for <secret>): there are none for this key, or there is no such dataflow
        the answer has no figures: the publisher answers 404: there are none for this key, or there is no such dataflow
        the answer is too large for the publisher to give at once (Too many); ask for fewer codes, or set a later `since`
        expected SDMX, found a web page titled "Sign in"
        the response is empty
        "#);
    }
}

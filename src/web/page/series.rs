//! Series: found by words and labels, and all that was ever known of one.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::words::{day, figure, of_series, picture};
use super::{Chrome, address, show};
use crate::base::moment;
use crate::chart::Chart;
use crate::inspect::meant::label;
use crate::inspect::reading::EarlierFigure;
use crate::inspect::series::{Case, FoundSeries, Observation, Search, SeriesDetail, SeriesRule, SeriesSummary, search};
use crate::inspect::{Page, Unanswered};
use crate::web::Site;
use crate::web::api::asked::Asked;
use crate::web::problem::Problem;

/// Series on one page.
const SHOWN: usize = 50;
/// Figures on one page.
const FIGURES_SHOWN: usize = 120;
/// Figures in the chart.
const DRAWN: usize = 120;

/// Which series are looked for.
#[derive(Deserialize)]
pub struct Wanted {
    #[serde(default)]
    search: String,
    #[serde(default)]
    label: Vec<String>,
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "series.html", config = "src/web/askama.toml")]
struct SeriesPage {
    chrome: Chrome,
    wanted: Wanted,
    found: Result<FoundSeries, String>,
}

impl SeriesPage {
    fn latest(&self, series: &SeriesSummary) -> String {
        figure(series.latest.as_ref().and_then(|latest| latest.value), series.unit.as_ref())
    }

    /// The same search with another label. A value is no pattern.
    fn with(&self, label: &str, value: &str) -> String {
        let exact = value.replace('[', "[[]").replace('*', "[*]").replace('?', "[?]").replace('{', "[{]");
        let chosen = format!("{label}={exact}");
        self.address(self.wanted.label.iter().chain([&chosen]), "")
    }

    /// The same without one.
    fn without(&self, label: &str) -> String {
        self.address(self.wanted.label.iter().filter(|other| *other != label), "")
    }

    fn address<'a>(&'a self, labels: impl Iterator<Item = &'a String>, after: &'a str) -> String {
        let labels = labels.map(|label| ("label", label.as_str()));
        let own = [("search", self.wanted.search.as_str()), ("after", after)].into_iter();
        address("/series", &own.chain(labels).collect::<Vec<_>>())
    }

    /// What is behind this.
    fn more(&self, found: &FoundSeries) -> Option<String> {
        found.next_token.as_ref().map(|token| self.address(self.wanted.label.iter(), token))
    }

    fn is_chosen(&self, label: &str) -> bool {
        self.wanted.label.iter().any(|chosen| chosen.split('=').next() == Some(label))
    }
}

/// Those that were found.
pub async fn list(State(site): State<Site>, chrome: Chrome, Asked(wanted): Asked<Wanted>) -> Result<Response, Problem> {
    let setup = site.setup();
    let after = Some(wanted.after.clone()).filter(|after| !after.is_empty());
    let page = Page { limit: SHOWN, after };
    let found = match wanted.label.iter().map(|text| label(text)).collect::<Result<_, _>>() {
        Ok(labels) => {
            match search(site.inspection(&setup), Search { text: wanted.search.clone(), labels, page }).await {
                Ok(found) => Ok(found),
                Err(Unanswered::Invalid(why)) => Err(why),
                Err(why) => return Err(why.into()),
            }
        }
        Err(why) => Err(why),
    };
    show(&SeriesPage { chrome, wanted, found })
}

/// What of a series is looked at. A form sends what was left empty, too.
#[derive(Deserialize)]
pub struct OfSeries {
    #[serde(default)]
    as_of: String,
    /// Figures before this period: the page after.
    #[serde(default)]
    before: String,
}

#[derive(Template)]
#[template(path = "one_series.html", config = "src/web/askama.toml")]
struct OneSeriesPage<'a> {
    chrome: Chrome,
    case: &'a Case<'a>,
    series: SeriesDetail,
    asked: OfSeries,
    /// Why it cannot be asked so.
    wrong: Option<String>,
    /// Newest first.
    figures: Vec<Observation>,
    is_more: bool,
    chart: Chart,
}

impl OneSeriesPage<'_> {
    fn value(&self, value: &Option<f64>) -> String {
        figure(*value, self.series.summary.unit.as_ref())
    }

    /// `was 420.5 t until 20 November 2025`.
    fn was(&self, earlier: &EarlierFigure) -> String {
        let until = day(earlier.until, self.case.zone());
        match earlier.value {
            Some(_) => format!("was {} until {until}", self.value(&earlier.value)),
            None => format!("was withdrawn until {until}"),
        }
    }

    fn known(&self, figure: &Observation) -> String {
        day(figure.recorded_at, self.case.zone())
    }

    fn explain(&self, rule: &SeriesRule) -> String {
        of_series("/explain", &[("rule", &rule.rule)], &self.series.summary.labels)
    }

    /// What is behind this: earlier periods.
    fn more(&self) -> Option<String> {
        let last = self.figures.last().filter(|_| self.is_more)?.period.to_string();
        let path = format!("/series/{}", self.series.summary.id);
        Some(address(&path, &[("as_of", &self.asked.as_of), ("before", &last)]))
    }

    fn picture(&self) -> String {
        picture(&self.chart)
    }
}

/// All that was ever known of one.
pub async fn one(
    State(site): State<Site>,
    chrome: Chrome,
    Path(id): Path<String>,
    Asked(asked): Asked<OfSeries>,
) -> Result<Response, Problem> {
    let setup = site.setup();
    let case = Case::read(site.inspection(&setup), &id).await?;
    let as_of = Some(asked.as_of.trim()).filter(|text| !text.is_empty()).map(moment::read).transpose();
    let wrong = as_of.as_ref().err().cloned();
    let mut figures = case.observations(as_of.unwrap_or_default());
    if let Some(at) = figures.iter().position(|figure| figure.period.to_string() == asked.before) {
        figures.truncate(at);
    }
    figures.reverse();
    let is_more = figures.len() > FIGURES_SHOWN;
    figures.truncate(FIGURES_SHOWN);
    let (series, chart) = (case.detail().await?, case.chart(DRAWN));
    show(&OneSeriesPage { chrome, case: &case, series, asked, wrong, figures, is_more, chart })
}

/// The same as a table for spreadsheets.
pub async fn csv(State(site): State<Site>, Path(id): Path<String>) -> Result<Response, Problem> {
    let setup = site.setup();
    let table = Case::read(site.inspection(&setup), &id).await?.csv();
    let header = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8; header=present"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"figures.csv\""),
    ];
    Ok((header, table).into_response())
}

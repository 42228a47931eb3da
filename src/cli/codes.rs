//! `codes`: the codes of goods and countries, as each office writes them.

use serde_json::json;

use super::{Exit, FAILED, Format, Session, say};
use crate::base::text::printable;
use crate::feed::codes::country::office::{OFFICES, Office};
use crate::feed::codes::goods::search::search;
use crate::feed::codes::goods::{Good, Nomenclature};
use crate::series::country;

/// Find the code of a good or of a country
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

const HELP: &str = "\
Offices count goods in nomenclatures of their own: the Harmonized System (HS) has six digits that all of them share, the \
European Union's Combined Nomenclature (CN) eight, the tariff of the United States (HTS) ten. HS 850511 is every \
permanent magnet of metal, CN 85051110 those with rare earths. The same eight digits may be another good in another \
nomenclature, and codes change: CN each January, HTS each January and July.

The tables hold critical minerals and what is made of them, and say where they come from.

Examples:
  supplywatch codes search rare earth magnets
  supplywatch codes search 8505.11
  supplywatch codes search gallium hts
  supplywatch codes country taiwan
  supplywatch codes country 5700";

#[derive(clap::Subcommand, Debug)]
enum Verb {
    /// Goods that all the words speak of, or whose code begins with the digits
    Search {
        /// Words (`gallium`), digits (`8505` or `8505.11`), a nomenclature's name (`cn`)
        #[arg(required = true, value_name = "WORDS")]
        words: Vec<String>,
    },
    /// How each office writes a country
    Country {
        /// A name or a part of it, an ISO code, or an office's own code
        #[arg(required = true, value_name = "NAME")]
        name: Vec<String>,
    },
}

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    match &args.verb {
        Verb::Search { words } => goods(session, words),
        Verb::Country { name } => countries(session, name.join(" ").trim()),
    }
}

fn goods(session: &Session, words: &[String]) -> anyhow::Result<()> {
    let found = search(words);
    if found.is_empty() {
        let asked = printable(&words.join(" "));
        say(&format!(
            "error: no code for `{asked}`; the tables hold critical minerals and what is made of them, each word has to \
             be in what a good covers: try fewer words, or the first four digits"
        ));
        return Err(Exit(FAILED).into());
    }
    if session.format == Format::Json {
        return found.iter().try_for_each(|(of, good)| {
            session.line(&json!({
                "nomenclature": of.name, "code": good.code, "text": good.text, "unit": good.unit, "source": of.source,
            }))
        });
    }
    let row = |(of, good): &(&Nomenclature, &Good)| {
        [of.name, good.code, good.unit.unwrap_or(""), good.text].map(str::to_owned).to_vec()
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    session.print(&super::table::table(&["in", "code", "unit", "covers"], &rows))?;
    session.print("")?;
    let mut sources: Vec<&Nomenclature> = found.iter().map(|(of, _)| *of).collect();
    sources.dedup_by_key(|of| of.name);
    sources.iter().try_for_each(|of| session.print(&format!("{}: {}", of.name, of.source)))
}

fn countries(session: &Session, name: &str) -> anyhow::Result<()> {
    let found = named(name);
    if found.is_empty() {
        let asked = printable(name);
        say(&format!("error: no country `{asked}`; write an English name, an ISO code, or an office's own code"));
        return Err(Exit(FAILED).into());
    }
    if session.format == Format::Json {
        return found.iter().try_for_each(|iso| {
            let codes = OFFICES.map(|office| (office.kind.to_owned(), json!(office.own(iso))));
            let codes: serde_json::Map<String, serde_json::Value> = codes.into_iter().collect();
            session.line(&json!({ "iso": iso, "name": country::name(iso), "codes": codes }))
        });
    }
    let row = |iso: &String| {
        let codes = OFFICES.map(|office| office.own(iso).unwrap_or_default());
        [iso.clone(), country::name(iso)].into_iter().chain(codes).collect()
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let header: Vec<&str> = ["iso", "country"].into_iter().chain(OFFICES.map(|office| office.kind)).collect();
    session.print(&super::table::table(&header, &rows))?;
    session.print("\nA feed takes any of these, and its labels have ISO's.\n")?;
    OFFICES.iter().try_for_each(|office: &&Office| {
        session.print(&format!("{}: {}; {}", office.kind, office.name, office.table.source))
    })
}

/// The countries that a text means: all whose name has it, else the one whose code it is, ISO's or an office's.
fn named(text: &str) -> Vec<String> {
    const LETTERS_OF_A_NAME: usize = 4;
    let by_name = if text.chars().count() < LETTERS_OF_A_NAME { Vec::new() } else { country::search(text) };
    if !by_name.is_empty() {
        return by_name;
    }
    let upper = text.to_ascii_uppercase();
    let own = OFFICES.iter().map(|office| office.iso(&upper));
    let codes = std::iter::once(country::canonical(text)).chain(own);
    codes.filter(|iso| is_country(iso)).take(1).collect()
}

fn is_country(iso: &str) -> bool {
    iso == country::WORLD || country::name(iso) != iso
}

//! SDMX-ML data messages, generic and structure-specific, of versions 2.0 to 3.0: event by event, so that no
//! more is kept than one series' key and one figure.
//!
//! Source: github.com/sdmx-twg/sdmx-ml, schemas. Elements are told by their local names, since each structure
//! has a namespace of its own; no entity but XML's five is known, and no document type is read.

use encoding_rs::Encoding;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::cube::{Fact, Field, Role, Sink, figure};
use super::{Cell, decode, said};
use crate::base::limits::COLUMNS_MAX;
use crate::base::text::shorten;
use crate::feed::ParseError;

/// Bytes in which the declaration may name the encoding.
const DECLARATION: usize = 200;
/// Levels of elements, at most.
const DEPTH_MAX: usize = 64;
/// Groups of series that are kept with what they say, at most.
const GROUPS_MAX: usize = 100_000;
/// Characters of a footer that are told.
const FOOTER_CHARS: usize = 600;

/// Reads a message and gives each figure to a sink.
pub fn read(body: &[u8], fields: &[Field], sink: Sink<'_>) -> Result<(), ParseError> {
    let text = decode(body, encoding(body))?;
    let mut message = Message::new(fields);
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    loop {
        let event = reader.read_event().map_err(|error| syntax(&text, reader.error_position(), &error.to_string()))?;
        let at = reader.buffer_position();
        match event {
            Event::Start(element) => message.start(&element).map_err(|reason| syntax(&text, at, &reason))?,
            Event::End(element) => message.end(element.local_name().as_ref(), sink)?,
            Event::Text(piece) => message.text(&piece.xml10_content()),
            Event::CData(piece) => message.text(&piece.xml10_content()),
            Event::GeneralRef(name) => message.text(entity(&name.xml10_content())),
            Event::Eof if message.path.is_empty() => return message.finish(),
            Event::Eof => return Err(syntax(&text, at, "the text breaks off")),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Empty(_) => {}
        }
    }
}

/// The encoding that the declaration names.
pub(super) fn encoding(body: &[u8]) -> &'static Encoding {
    let head = String::from_utf8_lossy(&body[..body.len().min(DECLARATION)]);
    let named = head.split_once("?>").and_then(|(declaration, _)| declaration.split_once("encoding="));
    let named = named.and_then(|(_, rest)| rest.get(1..)?.split(['"', '\'']).next());
    named.and_then(|name| Encoding::for_label(name.as_bytes())).unwrap_or(encoding_rs::UTF_8)
}

/// The error at a place of a text.
pub(super) fn syntax(text: &str, at: u64, reason: &str) -> ParseError {
    let at = usize::try_from(at).unwrap_or(usize::MAX).min(text.len());
    let before = String::from_utf8_lossy(&text.as_bytes()[..at]);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let reason = crate::base::text::printable(&shorten(reason, 200));
    ParseError::Syntax { format: "XML", line, column, reason }
}

/// What a reference to one of XML's own entities stands for; no other is known.
pub(super) fn entity(name: &str) -> &'static str {
    quick_xml::escape::resolve_predefined_entity(name).unwrap_or("\u{FFFD}")
}

/// Names and values, in the order of the text.
type Values = Vec<(String, String)>;

/// A message as far as it was read.
struct Message<'f> {
    fields: &'f [Field],
    /// Which fields any figure had, and the names of all that the figures have.
    seen: Vec<bool>,
    names: Vec<String>,
    /// The elements that are open.
    path: Vec<String>,
    /// The outermost element's name, and whether a data set was within it.
    root: String,
    has_data_set: bool,
    /// What is said of everything, of groups of series, of the series, of the figure.
    data_set: Values,
    groups: Vec<Values>,
    group: Values,
    series: Values,
    observation: Values,
    /// The action that the header names.
    action: String,
    /// The text of the element that is open.
    piece: String,
    number: usize,
    /// What the publisher says beside figures: a status and its words.
    status: Option<u64>,
    said: String,
}

impl<'f> Message<'f> {
    fn new(fields: &'f [Field]) -> Self {
        Self {
            fields,
            seen: vec![false; fields.len()],
            names: Vec::new(),
            path: Vec::new(),
            root: String::new(),
            has_data_set: false,
            data_set: Values::new(),
            groups: Vec::new(),
            group: Values::new(),
            series: Values::new(),
            observation: Values::new(),
            action: String::new(),
            piece: String::new(),
            number: 0,
            status: None,
            said: String::new(),
        }
    }

    fn is_within(&self, name: &str) -> bool {
        self.path.iter().any(|open| open == name)
    }

    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        let name = element.local_name().as_ref().to_owned();
        if self.path.len() >= DEPTH_MAX {
            return Err(format!("more than {DEPTH_MAX} levels of elements"));
        }
        self.piece.clear();
        let own = values(element)?;
        match name.as_str() {
            "DataSet" => (self.data_set, self.groups, self.has_data_set) = (own, Vec::new(), true),
            "Group" => self.group = own,
            "Series" => self.series = own,
            "Obs" => self.observation = own,
            "Value" => self.generic(&own, None),
            "ObsDimension" => self.generic(&own, Some("TIME_PERIOD")),
            "ObsValue" => self.generic(&own, Some("OBS_VALUE")),
            "Message" | "ErrorMessage" => self.status = value(&own, "code").and_then(|code| code.parse().ok()),
            _ => {}
        }
        if self.root.is_empty() {
            self.root.clone_from(&name);
        }
        self.path.push(name);
        Ok(())
    }

    /// `<Value id="FREQ" value="M"/>`: a part of a key, or an attribute.
    fn generic(&mut self, own: &Values, default: Option<&str>) {
        let name = value(own, "id").or_else(|| value(own, "concept")).or(default);
        let (Some(name), Some(value)) = (name, value(own, "value")) else { return };
        let pair = (name.to_owned(), value.to_owned());
        self.scope().push(pair);
    }

    /// What the open element speaks of.
    fn scope(&mut self) -> &mut Values {
        match self
            .path
            .iter()
            .rev()
            .find(|open| matches!(open.as_str(), "Obs" | "Series" | "Group"))
            .map(String::as_str)
        {
            Some("Obs") => &mut self.observation,
            Some("Series") => &mut self.series,
            Some(_) => &mut self.group,
            None => &mut self.data_set,
        }
    }

    fn text(&mut self, piece: &str) {
        if self.piece.len() < FOOTER_CHARS {
            self.piece.push_str(piece);
        }
    }

    fn end(&mut self, name: &str, sink: Sink<'_>) -> Result<(), ParseError> {
        self.path.pop();
        let piece = std::mem::take(&mut self.piece);
        match name {
            "Obs" => self.give(sink)?,
            "Series" => self.series.clear(),
            "Group" if self.groups.len() < GROUPS_MAX => self.groups.push(std::mem::take(&mut self.group)),
            "DataSetAction" => self.action = piece.trim().to_owned(),
            "Time" => self.observation.push(("TIME_PERIOD".to_owned(), piece.trim().to_owned())),
            "Text" | "ErrorMessage"
                if self.is_within("Footer") || self.is_within("Error") || name == "ErrorMessage" =>
            {
                self.say(piece.trim());
            }
            "faultstring" => self.say(piece.trim()),
            _ => {}
        }
        Ok(())
    }

    fn say(&mut self, words: &str) {
        // The address of a file stands in a sentence and by itself.
        if !words.is_empty() && !self.said.contains(words) && self.said.len() < FOOTER_CHARS {
            self.said.push_str(if self.said.is_empty() { "" } else { " " });
            self.said.push_str(words);
        }
    }

    fn give(&mut self, sink: Sink<'_>) -> Result<(), ParseError> {
        self.number += 1;
        self.note_names();
        let cell = |field: &Field| match (field.role, self.find(field)) {
            (Role::Value, text) => text.map_or(Cell::Null, figure),
            (_, text) => text.map_or(Cell::Absent, Cell::Text),
        };
        let cells: Vec<Cell<'_>> = self.fields.iter().map(cell).collect();
        let seen: Vec<bool> = cells.iter().map(|cell| *cell != Cell::Absent).collect();
        let action = value(&self.data_set, "action").unwrap_or(&self.action);
        let withdrawn = action.eq_ignore_ascii_case("delete");
        sink(&Fact { number: self.number, cells, withdrawn, fault: None })?;
        self.seen.iter_mut().zip(seen).for_each(|(known, seen)| *known = *known || seen);
        self.observation.clear();
        Ok(())
    }

    /// Keeps the names that the figures have, for the message about one that they lack.
    fn note_names(&mut self) {
        for (name, _) in self.observation.iter().chain(&self.series).chain(&self.data_set) {
            if self.names.len() < COLUMNS_MAX && !self.names.contains(name) {
                self.names.push(name.clone());
            }
        }
    }

    /// What the figure, its series, their groups, or the whole data set say of a field.
    fn find(&self, field: &Field) -> Option<&str> {
        let published = (field.role == Role::Published && field.name.is_none()).then_some("validFromDate");
        let names = || field.names().into_iter().chain(published);
        let of = |values: &'_ Values| names().find_map(|name| values.iter().find(|(own, _)| own == name)).is_some();
        let groups = self.groups.iter().filter(|group| of(group) && self.is_of(group));
        let scopes = [&self.observation, &self.series].into_iter().chain(groups).chain([&self.data_set]);
        scopes.into_iter().find_map(|values| names().find_map(|name| value(values, name)))
    }

    /// Whether a group is one of the series': what both name, they name alike.
    fn is_of(&self, group: &Values) -> bool {
        let mut shared = group.iter().filter_map(|(name, text)| Some(value(&self.series, name)? == text)).peekable();
        shared.peek().is_some() && shared.all(|alike| alike)
    }

    fn finish(self) -> Result<(), ParseError> {
        let refused = said::refusal(self.status, self.said.clone());
        if !self.said.is_empty() && (self.number == 0 || matches!(refused, ParseError::TooLarge { .. })) {
            return Err(refused);
        }
        if !self.has_data_set {
            let found = format!("an XML document `{}` without a data set", shorten(&self.root, 60));
            return Err(ParseError::Foreign { expected: "SDMX-ML", found });
        }
        let lacking = self.fields.iter().zip(&self.seen).find(|(field, seen)| field.is_needed() && !**seen);
        match lacking {
            Some((field, _)) if self.number > 0 => Err(field.absent(&self.names)),
            _ => Ok(()),
        }
    }
}

/// The value of a name.
fn value<'v>(values: &'v Values, name: &str) -> Option<&'v str> {
    values.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

/// The attributes of an element by their local names.
fn values(element: &BytesStart<'_>) -> Result<Values, String> {
    let mut values = Values::new();
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let prefix = attribute.key.prefix();
        let name = attribute.key.local_name().into_inner().to_owned();
        // What has a namespace is XML's or the message's own; two of those say something of the figures.
        if name == "xmlns" || (prefix.is_some() && !matches!(name.as_str(), "action" | "validFromDate")) {
            continue;
        }
        let value =
            attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0).map_err(|error| error.to_string())?;
        values.push((name, value.into_owned()));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::super::cube::{fields, told};

    fn read(named: &[&str], text: &str) -> String {
        told(|sink| super::read(text.as_bytes(), &fields(named), sink))
    }

    #[test]
    fn structure_specific_by_series_with_groups() {
        let text = r#"<?xml version="1.0" encoding="UTF-8"?>
            <mes:StructureSpecificData xmlns:mes="m" xmlns:ss="s" xmlns:xsi="i"><mes:Header><mes:ID>1</mes:ID></mes:Header>
            <mes:DataSet ss:action="Append" ss:validFromDate="2026-09-01T08:00:00Z" xsi:type="x">
              <Group xsi:type="Sibling" AREA="CN" UNIT="CNY"/><Group xsi:type="Sibling" AREA="US" UNIT="USD"/>
              <Series FREQ="M" AREA="CN" TITLE="Zinc &amp; lead"><Obs TIME_PERIOD="2026-07" OBS_VALUE="2705.345"/>
                <Obs TIME_PERIOD="2026-08" OBS_VALUE="NaN" OBS_STATUS="M"/></Series>
              <Series FREQ="M" AREA="US" TITLE="Zinc"><Obs TIME_PERIOD="2026-07"/></Series>
            </mes:DataSet></mes:StructureSpecificData>"#;
        insta::assert_snapshot!(read(&["AREA", "TITLE", "UNIT", "validFromDate"], text), @"
        1: 2026-07 ¦ 2705.345 ¦ · ¦ CN ¦ Zinc & lead ¦ CNY ¦ 2026-09-01T08:00:00Z
        2: 2026-08 ¦ null ¦ M ¦ CN ¦ Zinc & lead ¦ CNY ¦ 2026-09-01T08:00:00Z
        3: 2026-07 ¦ null ¦ · ¦ US ¦ Zinc ¦ USD ¦ 2026-09-01T08:00:00Z
        ");
    }

    #[test]
    fn structure_specific_flat_and_withdrawn() {
        let text = r#"<S><DataSet action="Delete"><Obs AREA="CN" TIME_PERIOD="2026-07"/></DataSet>
            <DataSet action="Replace"><Obs AREA="CN" TIME_PERIOD="2026-08" OBS_VALUE="5"/></DataSet></S>"#;
        insta::assert_snapshot!(read(&["AREA"], text), @"
        1: 2026-07 ¦ null ¦ · ¦ CN withdrawn
        2: 2026-08 ¦ 5 ¦ · ¦ CN
        ");
        let text = r#"<S><Header><DataSetAction>Delete</DataSetAction></Header><DataSet><Obs TIME_PERIOD="2026-07"/></DataSet></S>"#;
        insta::assert_snapshot!(read(&[], text), @"1: 2026-07 ¦ null ¦ · withdrawn");
    }

    #[test]
    fn generic_by_series_flat_and_of_version_2_0() {
        let series = r#"<g:DataSet><g:Series><g:SeriesKey><g:Value id="AREA" value="CN"/></g:SeriesKey>
            <g:Attributes><g:Value id="UNIT" value="CNY"/></g:Attributes>
            <g:Obs><g:ObsDimension value="2026-07"/><g:ObsValue value="1.5"/><g:Attributes><g:Value id="OBS_STATUS" value="P"/></g:Attributes></g:Obs>
            <g:Obs><g:ObsDimension id="TIME_PERIOD" value="2026-08"/></g:Obs></g:Series></g:DataSet>"#;
        insta::assert_snapshot!(read(&["AREA", "UNIT"], series), @"
        1: 2026-07 ¦ 1.5 ¦ P ¦ CN ¦ CNY
        2: 2026-08 ¦ null ¦ · ¦ CN ¦ CNY
        ");
        let flat = r#"<DataSet><Obs><ObsKey><Value id="AREA" value="US"/><Value id="TIME_PERIOD" value="2026-07"/></ObsKey>
            <ObsValue value="2"/></Obs></DataSet>"#;
        insta::assert_snapshot!(read(&["AREA"], flat), @"1: 2026-07 ¦ 2 ¦ · ¦ US");
        let old = r#"<DataSet><Series><SeriesKey><Value concept="AREA" value="US"/></SeriesKey>
            <Obs><Time>2026-07</Time><ObsValue value="3"/></Obs></Series></DataSet>"#;
        insta::assert_snapshot!(read(&["AREA"], old), @"1: 2026-07 ¦ 3 ¦ · ¦ US");
    }

    #[test]
    fn eurostats_footer_says_where_the_answer_will_be() {
        let text = r#"<m:GenericData xmlns:m="m" xmlns:f="f" xmlns:c="c"><m:Header><m:DataSetAction>Append</m:DataSetAction></m:Header>
            <f:Footer><f:Message code="413" severity="Infomation">
              <c:Text>The query is large: the file will be at http://a.example/file/x1?a=1&amp;b=2</c:Text>
              <c:Text>http://a.example/file/x1?a=1&amp;b=2</c:Text><c:Text>Look again later.</c:Text>
            </f:Message></f:Footer></m:GenericData>"#;
        insta::assert_snapshot!(read(&[], text), @"the answer is too large for the publisher to give at once (The query is large: the file will be at http://a.example/file/x1?a=1&b=2 Look again later.); it will be at http://a.example/file/x1?a=1&b=2; ask for fewer codes, or set a later `since`");
        let with_figures = r#"<S><DataSet><Obs TIME_PERIOD="2026-07" OBS_VALUE="5"/></DataSet><Footer><Message code="510"><Text>Cut off</Text></Message></Footer></S>"#;
        insta::assert_snapshot!(read(&[], with_figures), @"
        1: 2026-07 ¦ 5 ¦ ·
        the answer is too large for the publisher to give at once (Cut off); ask for fewer codes, or set a later `since`
        ");
        let harmless = with_figures.replace("510", "100");
        insta::assert_snapshot!(read(&[], &harmless), @"1: 2026-07 ¦ 5 ¦ ·");
    }

    #[test]
    fn what_is_no_such_message_is_an_error() {
        let obs = r#"<S><DataSet><Series AREA="CN"><Obs TIME_PERIOD="2026-07" OBS_VALUE="1"/></Series></DataSet></S>"#;
        let deep = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
        let errors = [
            read(&[], &obs[..60]),
            read(&["COUNTRY"], obs),
            read(&[], "<S><DataSet>\n<Obs A='1' A='2'/></DataSet></S>"),
            read(&[], "<S><Obs A='&lol;'/></S>"),
            read(&[], "<S></T>"),
            read(&[], &deep),
            read(
                &[],
                r#"<mes:Error xmlns:mes="m"><mes:ErrorMessage code="140"><c:Text>Key has 3 parts of 4</c:Text></mes:ErrorMessage></mes:Error>"#,
            ),
            read(
                &[],
                "<S:Fault><faultcode>413</faultcode><faultstring>EXTRACTION_TOO_BIG: 9 rows</faultstring></S:Fault>",
            ),
            read(&[], "<S><DataSet/></S>"),
            read(&[], "<rss><channel/></rss>"),
        ];
        insta::assert_snapshot!(errors.join("\n"), @"
        no XML at line 1, column 31: syntax error: tag not closed: `>` not found before end of input
        1: 2026-07 ¦ 1 ¦ · ¦ ·
        no column `COUNTRY`; the columns are `TIME_PERIOD`, `OBS_VALUE` and `AREA`
        no XML at line 2, column 19: position 10: duplicated attribute, previous declaration at position 4
        no XML at line 1, column 20: at 1..4: unrecognized entity `lol`
        no XML at line 1, column 4: ill-formed document: expected `</S>`, but `</T>` was found
        no XML at line 1, column 196: more than 64 levels of elements
        the publisher says: Key has 3 parts of 4
        the answer is too large for the publisher to give at once (EXTRACTION_TOO_BIG: 9 rows); ask for fewer codes, or set a later `since`

        expected SDMX-ML, found an XML document `rss` without a data set
        ");
    }

    #[test]
    fn the_encoding_is_the_one_that_the_declaration_names() {
        let text = "<?xml version='1.0' encoding='ISO-8859-1'?><S><DataSet><Obs TIME_PERIOD='2026-07' OBS_VALUE='1' AREA='Österreich'/></DataSet></S>";
        let body = encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        assert_eq!(told(|sink| super::read(&body, &fields(&["AREA"]), sink)), "1: 2026-07 ¦ 1 ¦ · ¦ Österreich");
    }
}

//! A folder into which people put a publisher's files: which of them are to be read now.
//!
//! A file is new or changed by its size, time and content, which are marked once its figures are stored. What is in
//! the files is the publisher's. Nobody is trusted with the folder: a name decides nothing but what its publisher
//! reads out of it.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::base::clock::Timestamp;
use crate::base::text::{counted, hex, list, printable, shorten};
use crate::feed::{Answer, Listed, Page, ParseError, Request, Target};

/// A file that was written to within so many milliseconds may still be growing.
const SETTLED_MILLIS: u64 = 10_000;
/// Files that are read in one pull; the others wait for the next.
const FILES_AT_ONCE: usize = 90;
/// What a file's mark begins with.
const MARK: &str = "file ";
/// What the name of a file beside another has more.
const BESIDE: &str = ".toml";

/// A folder, and which of its files are meant.
#[derive(Clone, Debug)]
pub struct Folder {
    /// Where it is.
    pub path: PathBuf,
    /// How the names of its files end, in lower case: `.csv`.
    pub ending: &'static str,
}

/// A question of a folder's publisher, as a request has it.
#[derive(Serialize, Deserialize)]
enum Asked {
    /// Which files there are.
    Folder,
    /// What is said beside a file.
    Beside(Dropped),
    /// A file.
    File(Dropped),
    /// Another file in the place of all, by its name (`dry-run --feed`).
    StandIn(String),
}

/// A file of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Its name; empty where it has none.
    pub name: String,
    /// The text of the file beside it.
    pub said: Option<String>,
    /// How it was listed; `None` of a file that is not in the folder.
    listed: Option<Stamp>,
}

/// What a list says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    /// Its size in bytes.
    bytes: u64,
    /// When it was last written (Unix milliseconds).
    modified: i64,
    /// Size and time of the file beside it.
    beside: Option<(u64, i64)>,
}

/// What an answer about a folder comes to.
pub enum Step {
    /// What to fetch next, or why nothing.
    Page(Page),
    /// A file whose text is to be read.
    Read(Dropped),
}

impl Folder {
    /// What to ask first.
    pub fn requests(&self) -> Vec<Request> {
        vec![Request::new(Target::Folder(self.path.clone())).asking(question(&Asked::Folder))]
    }

    /// The request for a file in the place of all: its name says what a name says.
    pub fn stand_in(path: &Path) -> Request {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Request::new(Target::File(path.to_owned())).asking(question(&Asked::StandIn(name)))
    }

    /// What an answer is: the list of files, what is said beside one of them, or a file.
    pub fn step(&self, answer: &Answer<'_>) -> Result<Step, ParseError> {
        let asked = serde_json::from_str(answer.question);
        Ok(match asked {
            Ok(Asked::Folder) => Step::Page(self.files(answer)?),
            Ok(Asked::Beside(file)) => {
                let said = String::from_utf8_lossy(answer.body).into_owned();
                let file = Dropped { said: Some(said), ..file };
                Step::Page(Page { next: vec![self.request(file)], ..Page::default() })
            }
            Ok(Asked::File(file)) => file.step(answer),
            Ok(Asked::StandIn(name)) => Step::Read(Dropped { name, ..Dropped::default() }),
            Err(_) => Step::Read(Dropped::default()),
        })
    }

    /// Which files of a list are to be read now.
    fn files(&self, answer: &Answer<'_>) -> Result<Page, ParseError> {
        let listed: Vec<Listed> = serde_json::from_slice(answer.body)
            .map_err(|error| ParseError::Malformed { row: error.line(), reason: "no list of files".to_owned() })?;
        let stamps: HashMap<&str, (u64, i64)> =
            listed.iter().map(|file| (file.name.as_str(), (file.bytes, file.modified))).collect();
        let (mut next, mut growing, mut odd) = (Vec::new(), Vec::new(), Vec::new());
        for file in listed.iter().filter(|file| file.name.to_lowercase().ends_with(self.ending)) {
            let beside = stamps.get(format!("{}{BESIDE}", file.name).as_str()).copied();
            let stamp = Stamp { bytes: file.bytes, modified: file.modified, beside };
            let dropped = Dropped { name: file.name.clone(), said: None, listed: Some(stamp) };
            if dropped.is_known(answer) {
                continue;
            }
            if file.name.contains('\u{FFFD}') {
                odd.push(shorten(&file.name, 60));
            } else if dropped.may_grow(answer.standing.now) {
                growing.push(shorten(&file.name, 60));
            } else {
                next.push(self.request(dropped));
            }
        }
        let later = next.len().saturating_sub(FILES_AT_ONCE);
        next.truncate(FILES_AT_ONCE);
        let notes = [
            (!growing.is_empty()).then(|| format!("{} just written: left for the next pull", some(&growing))),
            (!odd.is_empty()).then(|| format!("{} not read: rename it with letters of UTF-8", some(&odd))),
            (later > 0).then(|| format!("{} left for the next pull", counted(later, "file"))),
        ];
        let note = notes.into_iter().flatten().reduce(|a, b| format!("{a}; {b}"));
        Ok(Page { next, note, ..Page::default() })
    }

    /// The request for a file, or first for what is said beside it.
    fn request(&self, file: Dropped) -> Request {
        let beside = file.listed.is_some_and(|stamp| stamp.beside.is_some()) && file.said.is_none();
        let name = if beside { format!("{}{BESIDE}", file.name) } else { file.name.clone() };
        let asked = if beside { Asked::Beside(file) } else { Asked::File(file) };
        let request = Request::new(Target::File(self.path.join(name))).asking(question(&asked));
        // Every file is whole in itself: one that cannot be read keeps no other from being read.
        Request { may_wait: true, ..request }
    }
}

impl Dropped {
    /// When the file was written, which is when its figures were known; never later than now.
    pub fn written(&self, now: Timestamp) -> Option<Timestamp> {
        self.listed.map(|stamp| Timestamp::from_millis(stamp.modified).min(now))
    }

    /// A page of the file's figures with its mark; its note names the file.
    pub fn marked(&self, page: Page, body: &[u8]) -> Page {
        let named = |note: String| {
            if self.name.is_empty() { note } else { format!("{}: {note}", shown(&self.name)) }
        };
        let (note, mut marks) = (page.note.map(named), page.marks);
        marks.extend(self.mark(body));
        Page { note, marks, ..page }
    }

    /// The mark of the file with its content, once it was read.
    fn mark(&self, body: &[u8]) -> Option<(String, String)> {
        let mark = |stamp: Stamp| (format!("{MARK}{}", self.name), format!("{stamp} {}", sha256(body)));
        self.listed.map(mark)
    }

    /// The file's mark, where it was read before.
    fn known<'a>(&self, answer: &Answer<'a>) -> Option<&'a str> {
        answer.standing.marks.get(&format!("{MARK}{}", self.name)).map(String::as_str)
    }

    fn is_known(&self, answer: &Answer<'_>) -> bool {
        let (Some(mark), Some(stamp)) = (self.known(answer), self.listed) else { return false };
        mark.starts_with(&format!("{stamp} "))
    }

    /// Whether something may still be written to it, or to the file beside it.
    fn may_grow(&self, now: Timestamp) -> bool {
        let times = self.listed.map(|stamp| [Some(stamp.modified), stamp.beside.map(|(_, modified)| modified)]);
        let mut times = times.into_iter().flatten().flatten();
        times.any(|modified| now.millis().abs_diff(modified) < SETTLED_MILLIS)
    }

    fn step(self, answer: &Answer<'_>) -> Step {
        let length = u64::try_from(answer.body.len()).ok();
        if self.listed.is_some_and(|stamp| length != Some(stamp.bytes)) {
            let note = format!("{} is still growing: left for the next pull", shown(&self.name));
            return Step::Page(Page { note: Some(note), ..Page::default() });
        }
        // Touched, with the same content and the same said of it: what it says is known.
        let same = self.listed.map(|stamp| format!(" {} {}", stamp.said(), sha256(answer.body)));
        if self.known(answer).zip(same).is_some_and(|(mark, same)| mark.ends_with(&same)) {
            return Step::Page(Page::default());
        }
        Step::Read(self)
    }
}

impl Stamp {
    /// Size and time of the file beside.
    fn said(self) -> String {
        self.beside.map_or_else(|| "-".to_owned(), |(bytes, modified)| format!("{bytes}/{modified}"))
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.bytes, self.modified, self.said())
    }
}

#[cfg(test)]
impl Dropped {
    /// A file of a name, written at the beginning of 1970, with what is said beside it.
    pub fn of(name: &str, body: &[u8], said: Option<&str>) -> Self {
        let bytes = u64::try_from(body.len()).unwrap();
        let (name, said) = (name.to_owned(), said.map(str::to_owned));
        let beside = said.as_ref().map(|_| (1, 1));
        Self { name, said, listed: Some(Stamp { bytes, modified: 1000, beside }) }
    }

    /// The question that asks for it.
    pub fn question(self) -> String {
        question(&Asked::File(self))
    }
}

fn question(asked: &Asked) -> String {
    serde_json::to_string(asked).unwrap_or_default()
}

/// A name for a message.
fn shown(name: &str) -> String {
    printable(&shorten(name, 60))
}

fn sha256(body: &[u8]) -> String {
    hex(&Sha256::digest(body))
}

/// The first names of many.
fn some(names: &[String]) -> String {
    const NAMED: usize = 5;
    let more = names.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", list(&names[..names.len().min(NAMED)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Standing;

    fn folder() -> Folder {
        Folder { path: PathBuf::from("/drop"), ending: ".csv" }
    }

    fn standing(marks: &[(String, String)]) -> Standing {
        Standing { now: Timestamp::from_millis(1_000_000), marks: marks.iter().cloned().collect() }
    }

    fn listed(files: &[(&str, u64, i64)]) -> Vec<u8> {
        let file = |(name, bytes, modified): &(&str, u64, i64)| Listed {
            name: (*name).to_owned(),
            bytes: *bytes,
            modified: *modified,
        };
        serde_json::to_vec(&files.iter().map(file).collect::<Vec<_>>()).unwrap()
    }

    /// What is asked for after a list, and the note.
    fn asked(files: &[(&str, u64, i64)], marks: &[(String, String)]) -> (Vec<String>, Option<String>) {
        let (standing, body) = (standing(marks), listed(files));
        let question = folder().requests()[0].question.clone();
        let Ok(Step::Page(page)) = folder().step(&Answer::ok(&question, &body, &standing)) else { panic!("no page") };
        let path = |request: &Request| match &request.target {
            Target::File(path) => path.display().to_string(),
            Target::Folder(_) | Target::Http { .. } => panic!("expected a file"),
        };
        (page.next.iter().map(path).collect(), page.note)
    }

    fn dropped(bytes: u64, modified: i64) -> Dropped {
        let listed = Some(Stamp { bytes, modified, beside: None });
        Dropped { name: "a.csv".to_owned(), said: None, listed }
    }

    #[test]
    fn a_file_is_read_when_it_is_new_or_has_changed() {
        let files = [("a.csv", 3, 5), ("B.CSV", 1, 6), ("notes.txt", 1, 7), ("a.csv.part", 1, 8)];
        assert_eq!(asked(&files, &[]), (vec!["/drop/a.csv".to_owned(), "/drop/B.CSV".to_owned()], None));
        let mark = dropped(3, 5).mark(b"abc").unwrap();
        assert_eq!(asked(&files[..1], std::slice::from_ref(&mark)).0, Vec::<String>::new());
        assert_eq!(asked(&[("a.csv", 3, 9)], &[mark]).0, ["/drop/a.csv"]);
    }

    #[test]
    fn a_file_that_was_merely_touched_is_not_read_again() {
        let mark = dropped(3, 5).mark(b"abc").unwrap();
        let standing = standing(&[mark]);
        let step = |body: &[u8]| {
            let question = question(&Asked::File(dropped(3, 9)));
            folder().step(&Answer::ok(&question, body, &standing)).unwrap()
        };
        assert!(matches!(step(b"abc"), Step::Page(page) if page.note.is_none() && page.next.is_empty()));
        assert!(matches!(step(b"abd"), Step::Read(file) if file.name == "a.csv"));
    }

    #[test]
    fn a_half_written_file_is_left_until_the_next_tick() {
        let (next, note) = asked(&[("a.csv", 3, 995_000), ("b.csv", 3, 900_000), ("c.csv", 3, 9_000_000)], &[]);
        assert_eq!(next, ["/drop/b.csv", "/drop/c.csv"]);
        assert_eq!(note.as_deref(), Some("`a.csv` just written: left for the next pull"));
        let odd = asked(&[("\u{1b}[2J.csv", 3, 995_000)], &[]).1.unwrap();
        assert_eq!(odd, "`\\u{1b}[2J.csv` just written: left for the next pull");
        let question = question(&Asked::File(dropped(9, 5)));
        let standing = standing(&[]);
        let Ok(Step::Page(page)) = folder().step(&Answer::ok(&question, b"abc", &standing)) else { panic!("read") };
        assert_eq!(page.note.as_deref(), Some("a.csv is still growing: left for the next pull"));
    }

    #[test]
    fn what_is_said_beside_a_file_is_read_first() {
        let files = [("a.csv", 3, 5), ("a.csv.toml", 9, 6)];
        assert_eq!(asked(&files, &[]).0, ["/drop/a.csv.toml"]);
        let (standing, body) = (standing(&[]), listed(&files));
        let first = folder().requests()[0].question.clone();
        let Ok(Step::Page(page)) = folder().step(&Answer::ok(&first, &body, &standing)) else { panic!("no page") };
        let Ok(Step::Page(page)) = folder().step(&Answer::ok(&page.next[0].question, b"flow = 1", &standing)) else {
            panic!("no page")
        };
        let Ok(Step::Read(file)) = folder().step(&Answer::ok(&page.next[0].question, b"abc", &standing)) else {
            panic!("not read")
        };
        assert_eq!(file.said.as_deref(), Some("flow = 1"));
        // What is said of it anew is a change of it.
        let mark = file.mark(b"abc").unwrap();
        assert!(asked(&files, std::slice::from_ref(&mark)).0.is_empty());
        assert_eq!(asked(&[("a.csv", 3, 5), ("a.csv.toml", 9, 7)], &[mark]).0, ["/drop/a.csv.toml"]);
    }

    #[test]
    fn a_huge_folder_is_read_in_parts_and_odd_names_are_told() {
        let names: Vec<String> = (0..100).map(|at| format!("{at:03}.csv")).collect();
        let mut files: Vec<(&str, u64, i64)> = names.iter().map(|name| (name.as_str(), 1, 5)).collect();
        files.push(("\u{FFFD}.csv", 1, 5));
        let (next, note) = asked(&files, &[]);
        assert_eq!(next.len(), 90);
        assert_eq!(
            note.as_deref(),
            Some("`\u{FFFD}.csv` not read: rename it with letters of UTF-8; 10 files left for the next pull")
        );
    }

    #[test]
    fn a_file_that_stands_in_for_the_folder_has_its_name_and_no_mark() {
        let request = Folder::stand_in(Path::new("/elsewhere/export_2026-03.csv"));
        let standing = standing(&[]);
        let step = folder().step(&Answer::ok(&request.question, b"abc", &standing)).unwrap();
        let Step::Read(file) = step else { panic!("not read") };
        assert_eq!(
            (file.name.as_str(), file.mark(b"abc"), file.written(standing.now)),
            ("export_2026-03.csv", None, None)
        );
        let named = Page { note: Some("x".to_owned()), ..Page::default() };
        assert_eq!(file.marked(named, b"abc").note.as_deref(), Some("export_2026-03.csv: x"));
    }

    #[test]
    fn a_file_is_as_old_as_its_time_and_never_from_the_future() {
        let now = Timestamp::from_millis(1000);
        assert_eq!(dropped(1, 5).written(now), Some(Timestamp::from_millis(5)));
        assert_eq!(dropped(1, 5000).written(now), Some(now));
        assert_eq!(Dropped::default().written(now), None);
        assert_eq!(Dropped::default().mark(b""), None);
    }
}

//! Long lists in pieces.

use super::Unanswered;

/// Which piece of a list is wanted.
#[derive(Clone, Debug)]
pub struct Page {
    /// So many at most.
    pub limit: usize,
    /// What is behind this one: the token that came with the piece before.
    pub after: Option<String>,
}

impl Page {
    /// All of it.
    pub const ALL: Self = Self { limit: usize::MAX, after: None };

    /// How many members are before it, where its tokens are numbers of members.
    pub fn offset(&self) -> Result<usize, Unanswered> {
        let read = |after: &String| after.parse().map_err(|_| Unanswered::Invalid("this is no `nextToken`".to_owned()));
        self.after.as_ref().map_or(Ok(0), read)
    }

    /// The piece of a list whose members are known by `id`, and the token for what is behind it.
    pub fn of<T>(&self, mut list: Vec<T>, id: impl Fn(&T) -> String) -> Result<(Vec<T>, Option<String>), Unanswered> {
        if let Some(after) = &self.after {
            let before = list.iter().position(|member| id(member) == *after).ok_or_else(|| {
                Unanswered::Invalid("the list has changed since this `nextToken` was given: begin anew".to_owned())
            })?;
            list.drain(..=before);
        }
        let is_more = list.len() > self.limit;
        list.truncate(self.limit);
        let next = list.last().filter(|_| is_more).map(id);
        Ok((list, next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_together_are_the_list() {
        let list = || vec!["a", "b", "c", "d", "e"];
        let id = |member: &&str| (*member).to_owned();
        let (mut page, mut seen) = (Page { limit: 2, after: None }, Vec::new());
        loop {
            let (piece, next) = page.of(list(), id).unwrap();
            seen.push(piece);
            page.after = next;
            if page.after.is_none() {
                break;
            }
        }
        assert_eq!(seen, [vec!["a", "b"], vec!["c", "d"], vec!["e"]]);
        assert_eq!(Page::ALL.of(list(), id).unwrap(), (list(), None));
        let gone = Page { limit: 2, after: Some("x".into()) }.of(list(), id).unwrap_err();
        assert!(gone.to_string().contains("begin anew"));
    }
}

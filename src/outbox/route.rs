//! Routes: who is told of alerts whose rule or feed names nobody.
//!
//! What may suppress a message is not known here.

use crate::alert::{Matcher, Topic};
use crate::rule::Escalation;

/// One `[[route]]` of the config.
#[derive(Clone, Debug)]
pub struct Route {
    /// Its place among the routes, from 1.
    pub number: usize,
    /// Where it is written: `supplywatch.toml:12`.
    pub at: String,
    /// The alerts that take it.
    pub matcher: Matcher,
    /// Who is told.
    pub notify: Vec<String>,
    /// Whether an alert that takes it looks at the routes below, too.
    pub goes_on: bool,
    /// Who is told, too, when nobody acknowledges.
    pub escalation: Option<Escalation>,
}

/// The routes that an alert takes: the first that means it, and further ones as long as each goes on.
pub fn taken<'r>(routes: &'r [Route], topic: &Topic<'_>) -> Vec<&'r Route> {
    let mut taken = Vec::new();
    for route in routes.iter().filter(|route| route.matcher.matches(topic)) {
        taken.push(route);
        if !route.goes_on {
            break;
        }
    }
    taken
}

/// Who is told of an alert, each once: whom its rule or feed names, where that has `notify`; else whom its routes do.
pub fn notified(own: Option<&[String]>, routes: &[Route], topic: &Topic<'_>) -> Vec<String> {
    if let Some(own) = own {
        return own.to_vec();
    }
    let mut told: Vec<String> = Vec::new();
    for name in taken(routes, topic).into_iter().flat_map(|route| &route.notify) {
        if !told.contains(name) {
            told.push(name.clone());
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Severity;
    use crate::series::Labels;

    fn route(number: usize, matches: &[(&str, &str)], notify: &[&str], goes_on: bool) -> Route {
        let pairs = matches.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        let notify = notify.iter().map(ToString::to_string).collect();
        Route { number, at: String::new(), matcher: Matcher::parse(pairs).unwrap(), notify, goes_on, escalation: None }
    }

    #[test]
    fn the_first_route_is_taken_and_further_ones_where_it_goes_on() {
        let routes = [
            route(1, &[("severity", "critical")], &["phone", "desk"], true),
            route(2, &[("kind", "data")], &["operators"], false),
            route(3, &[("partner", "US")], &["desk", "hook"], false),
            route(4, &[], &["rest"], false),
        ];
        let told = |rule, partner, severity| {
            let labels: Labels = [("partner", partner)].into_iter().collect();
            notified(None, &routes, &Topic { rule, labels: &labels, severity }).join(" ")
        };
        assert_eq!(told("falling", "US", Severity::Critical), "phone desk hook");
        assert_eq!(told("falling", "US", Severity::Warning), "desk hook");
        assert_eq!(told("falling", "DE", Severity::Critical), "phone desk rest");
        assert_eq!(told("falling", "DE", Severity::Info), "rest");
        assert_eq!(told("feed:failing", "US", Severity::Warning), "operators");
        let labels = Labels::default();
        let topic = Topic { rule: "falling", labels: &labels, severity: Severity::Critical };
        assert_eq!(notified(Some(&["mail".to_owned()]), &routes, &topic), ["mail"]);
        assert_eq!(notified(Some(&[]), &routes, &topic), Vec::<String>::new(), "nobody is meant");
        assert_eq!(notified(None, &routes[1..3], &topic), Vec::<String>::new());
    }
}

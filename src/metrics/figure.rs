//! Figures as they are told: a metric's name, its labels, a value. No server is needed.

use crate::catalog::State;
use crate::pg::value::{Time, Value};
use serde_json::json;

/// One figure.
#[derive(Debug, PartialEq)]
pub(super) struct Figure {
    metric: &'static str,
    labels: serde_json::Value,
    value: f64,
}

impl Figure {
    /// A figure of a metric.
    pub(super) fn new(metric: &'static str, labels: serde_json::Value, value: f64) -> Figure {
        Figure {
            metric,
            labels,
            value,
        }
    }

    /// The row of the result.
    pub(super) fn into_row(self) -> Vec<Value> {
        vec![self.metric.into(), self.labels.into(), self.value.into()]
    }
}

/// How many credentials are in each state; a state that none is in is told with 0, so that its series goes on.
pub(super) fn by_state(seen: &[State]) -> Vec<Figure> {
    let count = |state| seen.iter().filter(|seen| **seen == state).count();
    let figure = |state: State| {
        let labels = json!({"state": state.as_str()});
        Figure::new("credentials", labels, count(state) as f64)
    };
    State::ALL.into_iter().map(figure).collect()
}

/// Seconds between two moments; negative where the first is the later one.
pub(super) fn seconds(from: Time, to: Time) -> f64 {
    (to as f64 - from as f64) / 1e6
}

/// How old a password is. A follower's clock may be behind the primary's that wrote the moment.
pub(super) fn age(since: Time, now: Time) -> f64 {
    seconds(since, now).max(0.0)
}

/// Which part of its objects a job has done, from 0 to 1; nothing while their number is not known. Objects that
/// were made while it ran are done too, and not counted before.
pub(super) fn ratio(done: i64, total: Option<i64>) -> Option<f64> {
    let total = total.filter(|total| *total > 0)?;
    Some((done as f64 / total as f64).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // A test fails by panicking.
    use super::*;

    #[test]
    fn every_state_is_told_in_its_order_also_with_nothing_in_it() {
        let figures = by_state(&[State::Active, State::Suspended, State::Active]);
        let told: Vec<(String, f64)> = figures
            .iter()
            .filter_map(|f| Some((f.labels["state"].as_str()?.to_owned(), f.value)))
            .collect();
        let expected = State::ALL.map(|state| {
            let count = match state {
                State::Active => 2.0,
                State::Suspended => 1.0,
                _ => 0.0,
            };
            (state.as_str().to_owned(), count)
        });
        assert_eq!(told, expected);
    }

    #[test]
    fn an_age_is_never_negative_and_what_is_left_may_be() {
        assert_eq!(age(1_000_000, 2_500_000), 1.5);
        assert_eq!(age(2_500_000, 1_000_000), 0.0);
        assert_eq!(seconds(2_500_000, 1_000_000), -1.5);
    }

    #[test]
    fn a_ratio_is_told_where_there_is_something_to_do_and_stays_between_0_and_1() {
        assert_eq!(ratio(0, None), None);
        assert_eq!(ratio(0, Some(0)), None);
        assert_eq!(ratio(0, Some(4)), Some(0.0));
        assert_eq!(ratio(1, Some(4)), Some(0.25));
        assert_eq!(ratio(5, Some(4)), Some(1.0));
    }
}

//! Reading JSON with the path of what is read, so that an error names the place.

use crate::error::{shown, Error, Kind, Result};
use serde_json::{Map, Value as Json};

/// A value, and how one gets to it: `credentials.app_shop.access`.
pub(super) struct At<'a> {
    path: String,
    value: &'a Json,
}

impl<'a> At<'a> {
    /// The whole document.
    pub(super) fn top(value: &'a Json) -> At<'a> {
        let path = String::new();
        At { path, value }
    }

    /// The value itself.
    pub(super) fn value(&self) -> &'a Json {
        self.value
    }

    /// An error about this place (22023).
    pub(super) fn wrong(&self, must: &str) -> Error {
        let what = match self.path.as_str() {
            "" => "a spec".to_owned(),
            path => format!("\"{path}\""),
        };
        Kind::BadArgument
            .error(format!("{what} must be {must}"))
            .hint(HINT)
    }

    /// The same error, said of this place.
    pub(super) fn blame(&self, error: &Error) -> Error {
        blame(&self.path, error)
    }

    /// A text.
    pub(super) fn text(&self) -> Result<&'a str> {
        self.value.as_str().ok_or_else(|| self.wrong("a text"))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&self) -> Result<bool> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong("true or false"))
    }

    /// A connection limit.
    pub(super) fn limit(&self) -> Result<i32> {
        self.value
            .as_i64()
            .and_then(|n| i32::try_from(n).ok())
            .filter(|n| *n >= -1)
            .ok_or_else(|| self.wrong("a whole number, -1 or more; -1 means no limit"))
    }

    /// The elements of a list.
    pub(super) fn list(&self) -> Result<Vec<At<'a>>> {
        let list = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        let element = |(i, value)| At {
            path: format!("{}[{i}]", self.path),
            value,
        };
        Ok(list.iter().enumerate().map(element).collect())
    }

    /// The entries of an object whose keys are names.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, At<'a>)>> {
        let object = self.object()?;
        let entry = |(key, value): (&'a String, _)| (key.as_str(), self.below(key, value));
        Ok(object.iter().map(entry).collect())
    }

    /// An object with these keys and no others: what stands under each of them.
    pub(super) fn fields<const N: usize>(&self, known: [&str; N]) -> Result<[Option<At<'a>>; N]> {
        let object = self.object()?;
        if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
            let path = self.below(key, self.value).path;
            return Err(Kind::BadArgument
                .error(format!("unknown key \"{path}\""))
                .detail(format!("The keys here are: {}.", known.join(", ")))
                .hint(HINT));
        }
        Ok(known.map(|key| object.get(key).map(|value| self.below(key, value))))
    }

    fn object(&self) -> Result<&'a Map<String, Json>> {
        self.value
            .as_object()
            .ok_or_else(|| self.wrong("an object"))
    }

    fn below(&self, key: &str, value: &'a Json) -> At<'a> {
        let path = match self.path.as_str() {
            "" => shown(key),
            path => format!("{path}.{}", shown(key)),
        };
        At { path, value }
    }
}

/// An error, said of the place with this path.
pub(super) fn blame(path: &str, error: &Error) -> Error {
    let told = error
        .kind()
        .error(format!("\"{path}\": {}", error.message()));
    let told = error.detail_text().into_iter().fold(told, Error::detail);
    error.hint_text().into_iter().fold(told, Error::hint)
}

/// Where a person sees what a spec looks like.
const HINT: &str =
    "See docs/permissions.md, or start from SELECT credentials.layout('owner_writer_reader', 'shop');";

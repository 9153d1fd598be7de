//! Reading variables, each fault collected instead of being the first to stop.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use secrecy::SecretString;

/// Variables by name, and the faults found in them so far.
pub struct Env {
    variables: BTreeMap<String, String>,
    faults: Vec<String>,
}

impl Env {
    /// Of the process, and of a `.env` file in the working directory for what the process does not set.
    pub fn of_process() -> Self {
        let mut variables = BTreeMap::new();
        let mut faults = Vec::new();
        match dotenvy::dotenv_iter() {
            Ok(lines) => {
                for line in lines {
                    match line {
                        Ok((name, value)) => drop(variables.insert(name, value)),
                        Err(error) => faults.push(format!(".env: {error}")),
                    }
                }
            }
            Err(error) if error.not_found() => {}
            Err(error) => faults.push(format!(".env: {error}")),
        }
        // What is not UTF-8 cannot be one of ours.
        variables.extend(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        );
        Self { variables, faults }
    }

    /// Of a list.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self { variables: variables.into_iter().map(own).collect(), faults: Vec::new() }
    }

    /// Notes a fault.
    pub fn fault(&mut self, fault: impl Into<String>) {
        self.faults.push(fault.into());
    }

    /// All faults.
    pub fn into_faults(self) -> Vec<String> {
        self.faults
    }

    /// The text of a variable; one that is empty or blank counts as missing.
    pub fn text(&self, name: &str) -> Option<String> {
        text(&self.variables, name)
    }

    /// A parsed variable, or the default where it is missing; a fault where it does not parse.
    pub fn parsed<T: FromStr>(&mut self, name: &str, default: T) -> T
    where
        T::Err: Display,
    {
        self.parsed_if_set(name).unwrap_or(default)
    }

    /// A parsed variable, or `None` where it is missing; a fault where it does not parse.
    pub fn parsed_if_set<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        T::Err: Display,
    {
        let text = self.text(name)?;
        text.parse().map_err(|error| self.fault(format!("{name}: `{text}`: {error}"))).ok()
    }

    /// Secrets that are asked for later, by names that only the catalogue knows.
    pub fn secrets(&self) -> Secrets {
        Secrets(Arc::new(self.variables.clone()))
    }

    /// A secret: `NAME`, or the contents of the file that `NAME_FILE` names.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        read_secret(&self.variables, name).unwrap_or_else(|fault| {
            self.fault(fault);
            None
        })
    }
}

/// Variables by name, of which secrets are read when they are needed: files may have changed since the start.
#[derive(Clone)]
pub struct Secrets(Arc<BTreeMap<String, String>>);

impl Secrets {
    /// `NAME`, or the contents of the file that `NAME_FILE` names; a sentence where that cannot be had.
    pub fn read(&self, name: &str) -> Result<Option<SecretString>, String> {
        read_secret(&self.0, name)
    }
}

/// Without what is in it.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

fn text(variables: &BTreeMap<String, String>, name: &str) -> Option<String> {
    variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty()).map(str::to_owned)
}

fn read_secret(variables: &BTreeMap<String, String>, name: &str) -> Result<Option<SecretString>, String> {
    let file_name = format!("{name}_FILE");
    match (text(variables, name), text(variables, &file_name)) {
        (Some(_), Some(_)) => Err(format!("{name} and {file_name} are both set; keep one")),
        (Some(value), None) => Ok(Some(value.into())),
        (None, Some(path)) => match std::fs::read_to_string(Path::new(&path)) {
            Ok(value) if value.trim().is_empty() => Err(format!("{file_name}: {path} is empty")),
            Ok(value) => Ok(Some(value.trim().to_owned().into())),
            Err(error) => Err(format!("{file_name}: {path} cannot be read: {error}")),
        },
        (None, None) => Ok(None),
    }
}

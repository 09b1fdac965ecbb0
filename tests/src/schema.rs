//! The schemas of the command's JSON, and a check of values against them: of JSON Schema 2020-12 the keywords that they
//! use. A keyword that it does not know fails, so that none is passed over.

use std::path::Path;

use serde_json::Value;

/// A schema of docs/schemas.
pub struct Schema {
    name: String,
    whole: Value,
}

impl Schema {
    /// Reads `docs/schemas/NAME.json`.
    #[track_caller]
    pub fn read(name: &str) -> Schema {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../docs/schemas/{name}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("read {}: {e}", path.display()));
        let whole = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Schema { name: name.to_owned(), whole }
    }

    /// Why a value is not as the schema says.
    pub fn complaint(&self, value: &Value) -> Option<String> {
        self.check(&self.whole, value, &self.name).err()
    }

    /// Fails for a value that is not as the schema says.
    #[track_caller]
    pub fn assert(&self, value: &Value) {
        if let Some(complaint) = self.complaint(value) {
            panic!("{complaint}\n{value:#}");
        }
    }

    fn check(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let rules = schema.as_object().ok_or_else(|| format!("{at}: the schema is no object"))?;
        for (keyword, rule) in rules {
            match keyword.as_str() {
                "$schema" | "$defs" | "title" | "description" | "additionalProperties" => {}
                "type" => {
                    let names = rule.as_array().map_or_else(|| vec![rule], |all| all.iter().collect());
                    let fits = names.iter().any(|name| is_type(value, name.as_str().unwrap_or_default()));
                    require(fits, at, &format!("{value} is not of type {rule}"))?;
                }
                "const" => require(value == rule, at, &format!("{value} is not {rule}"))?,
                "enum" => {
                    let all = rule.as_array().ok_or_else(|| format!("{at}: enum is no list"))?;
                    require(all.contains(value), at, &format!("{value} is none of {rule}"))?;
                }
                "minimum" => {
                    let fits = value.as_f64() >= rule.as_f64();
                    require(!value.is_number() || fits, at, &format!("{value} is less than {rule}"))?;
                }
                "required" => {
                    let names = rule.as_array().into_iter().flatten().filter_map(Value::as_str);
                    for name in names {
                        require(
                            !value.is_object() || value.get(name).is_some(),
                            at,
                            &format!("{name} is missing"),
                        )?;
                    }
                }
                "properties" => self.properties(rule, schema, value, at)?,
                "items" => {
                    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.check(rule, item, &format!("{at}[{number}]"))?;
                    }
                }
                "anyOf" => {
                    let all = rule.as_array().ok_or_else(|| format!("{at}: anyOf is no list"))?;
                    let tries: Vec<_> =
                        all.iter().filter_map(|one| self.check(one, value, at).err()).collect();
                    require(tries.len() < all.len(), at, &tries.join("; nor: "))?;
                }
                "$ref" => {
                    let name = rule.as_str().and_then(|rule| rule.strip_prefix("#/$defs/"));
                    let found = name.and_then(|name| self.whole["$defs"].get(name));
                    self.check(found.ok_or_else(|| format!("{at}: {rule} leads nowhere"))?, value, at)?;
                }
                other => return Err(format!("{at}: nobody checks the keyword {other}")),
            }
        }
        if !rules.contains_key("properties") {
            self.properties(&Value::Object(serde_json::Map::new()), schema, value, at)?;
        }
        Ok(())
    }

    /// What `properties` and `additionalProperties` say.
    fn properties(&self, known: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(object) = value.as_object() else { return Ok(()) };
        for (key, inner) in object {
            let at = format!("{at}.{key}");
            match (known.get(key), schema.get("additionalProperties")) {
                (Some(rule), _) => self.check(rule, inner, &at)?,
                (None, Some(Value::Bool(false))) => return Err(format!("{at} is not in the schema")),
                (None, Some(rule)) if rule.is_object() => self.check(rule, inner, &at)?,
                (None, _) => {}
            }
        }
        Ok(())
    }
}

fn require(fits: bool, at: &str, what: &str) -> Result<(), String> {
    if fits { Ok(()) } else { Err(format!("{at}: {what}")) }
}

fn is_type(value: &Value, name: &str) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_does_not_fit_is_found() {
        let good = json!({ "path": "/usr/x", "verdict": "keep", "why": "so" });
        let schema = Schema::read("rebase-dry-run");
        assert_eq!(schema.complaint(&good), None);
        for (key, value) in
            [("verdict", json!("kept")), ("why", json!(1)), ("path", json!(null)), ("more", json!(1))]
        {
            let mut bad = good.clone();
            bad[key] = value;
            assert!(schema.complaint(&bad).is_some(), "{bad}");
        }
        assert!(schema.complaint(&json!({ "path": "/usr/x" })).is_some());
        assert!(schema.complaint(&json!([])).is_some());
    }

    #[test]
    fn a_keyword_that_is_not_checked_is_told() {
        let schema = Schema { name: "x".into(), whole: json!({ "pattern": "^a" }) };
        assert!(schema.complaint(&json!("b")).is_some_and(|why| why.contains("pattern")));
    }
}

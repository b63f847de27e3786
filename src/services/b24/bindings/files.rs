//! Lists straight into files.

use rhai::plugin::*;
use rhai::{Dynamic, Map, NativeCallContext};

use super::given;
use crate::error::Result;
use crate::render::export::Format;
use crate::render::export::columns::Types;
use crate::script::bridge::{Host, Thrown, host, throw, wait};
use crate::script::options::Options;
use crate::script::rows::files as forms;
use crate::services::b24::client::{Export, Params, Typing};

/// What `export` takes besides the options of the format.
const OWN: &[&str] = &["format", "fresh"];

/// All that a script says of an export.
fn wanted(host: &Host, method: &str, params: Params, path: &str, options: &Map) -> Result<Export> {
    let full = host.folders.resolve(path)?;
    let named = options.get("format").and_then(|name| name.clone().into_immutable_string().ok());
    let format = named.map_or_else(|| Format::of(&full), |name| Format::named(&name))?;
    let known: Vec<&str> = forms::known(format).into_iter().chain(OWN.iter().copied()).collect();
    let options = Options::read(options, &known)?;
    // Refuses what is no text.
    options.text("format")?;
    let form = forms::form(format, &full, &options)?;
    let asked = match options.value("types") {
        None => format.is_typed() || form.excel,
        Some(value) => value.as_bool().unwrap_or(false),
    };
    let said = options.value("types").filter(|value| !value.is_bool()).map(forms::types).transpose()?;
    let types = if asked { Typing::Asked } else { Typing::Said(said.unwrap_or_default()) };
    let fresh = options.flag("fresh", false)?;
    Ok(Export { method: method.to_owned(), params, path: full, form, types, fresh })
}

fn words(types: Types) -> Map {
    types.into_iter().map(|(name, holds)| (name.into(), holds.name().into())).collect()
}

#[export_module]
pub mod files {
    pub type B24 = super::super::B24;

    /// Writes a whole list into a file, in constant memory: CSV, NDJSON, JSON, XLSX, SQLite or Parquet, by the file's
    /// ending.
    #[rhai_fn(return_raw, pure)]
    pub fn export(call: NativeCallContext, b24: &mut B24, method: &str, path: &str) -> Thrown<Map> {
        export_options(call, b24, method, Dynamic::UNIT, path, Map::new())
    }

    /// Writes the list of a list method with these parameters into a file, in constant memory. Killed or stopped by
    /// Ctrl-C, the same call goes on where it was, for a day: no row is missing, none is there twice, and the file has its
    /// name only when it is complete.
    ///
    /// Gives `#{rows, resumed}`: how many rows there are, and how many of them an earlier call had read.
    ///
    /// ```rhai
    /// let done = b24.export("crm.deal.list", #{ select: ["ID", "TITLE"], filter: #{ "<ID": 300 } }, "deals.csv");
    /// assert_eq(csv::read("deals.csv").len(), done.rows);
    /// ```
    #[rhai_fn(name = "export", return_raw, pure)]
    pub fn export_with(
        call: NativeCallContext,
        b24: &mut B24,
        method: &str,
        params: Dynamic,
        path: &str,
    ) -> Thrown<Map> {
        export_options(call, b24, method, params, path, Map::new())
    }

    /// The same with options.
    ///
    /// # Options
    /// - `format`: `"csv"`, `"ndjson"`, `"json"`, `"xlsx"`, `"sqlite"` or `"parquet"`, where the ending does not say it
    /// - `types`: true for columns with the types of the method's list of fields, which costs a request (usual for XLSX,
    ///   SQLite, Parquet and CSV with `excel`), false for texts as they came, or a map: `#{OPPORTUNITY: "number"}`
    /// - `fresh`: true to begin anew, whatever an interrupted call has read
    /// - CSV: `excel`, `separator`, `bom`, `header`; XLSX: `sheet`; SQLite: `table`
    ///
    /// ```rhai
    /// let some = #{ select: ["ID", "OPPORTUNITY", "DATE_CREATE"], filter: #{ "<ID": 300 } };
    /// b24.export("crm.deal.list", some, "deals.xlsx", #{ sheet: "Сделки" });
    /// b24.export("crm.deal.list", some, "portal.db", #{ table: "deals" });
    /// b24.export("crm.deal.list", some, "deals.csv", #{ excel: true });
    /// ```
    #[rhai_fn(name = "export", return_raw, pure)]
    pub fn export_options(
        call: NativeCallContext,
        b24: &mut B24,
        method: &str,
        params: Dynamic,
        path: &str,
        options: Map,
    ) -> Thrown<Map> {
        let host = host(&call);
        let portal = b24.portal(&call)?;
        let params = given::params(&call, &params)?;
        let export = wanted(&host, method, params, path, &options).or_else(|error| throw(&call, error))?;
        let done = wait(&call, portal.export(export))?;
        done.warnings.iter().for_each(|warning| host.warn(&format!("{path}: {warning}")));
        let number = |n: u64| Dynamic::from(i64::try_from(n).unwrap_or(i64::MAX));
        Ok(Map::from([("rows".into(), number(done.rows)), ("resumed".into(), number(done.resumed))]))
    }

    /// What the columns of a list hold, as the portal's list of fields says: `#{ID: "integer", …}`, for the option
    /// `types` of files.
    #[rhai_fn(return_raw, pure)]
    pub fn types(call: NativeCallContext, b24: &mut B24, method: &str) -> Thrown<Map> {
        types_with(call, b24, method, Dynamic::UNIT)
    }

    /// The same for methods whose fields depend on parameters, such as the `entityTypeId` of `crm.item.list`.
    ///
    /// ```rhai
    /// assert_eq(b24.types("crm.item.list", #{ entityTypeId: 2 }).opportunity, "number");
    /// ```
    #[rhai_fn(name = "types", return_raw, pure)]
    pub fn types_with(call: NativeCallContext, b24: &mut B24, method: &str, params: Dynamic) -> Thrown<Map> {
        let portal = b24.portal(&call)?;
        let params = given::params(&call, &params)?;
        wait(&call, portal.types(method, &params)).map(words)
    }
}

//! `pult eval`: one expression, its value printed.

use super::setup::Setup;
use super::{Form, Global};
use crate::script::report::Report;
use crate::script::show;

pub fn eval(global: &Global, code: &str, args: Vec<String>, form: &Form) -> Result<u8, Box<Report>> {
    let setup = Setup::new(global, None)?;
    setup.run(args, |session| {
        let value = session.run("eval", code);
        if let Some(code) = setup.host.exit_code() {
            return Ok(code);
        }
        let value = value?;
        let output = &setup.host.output;
        let text = match form {
            Form { json: true, .. } => Some(show::as_json(&value)?),
            Form { csv: true, .. } => Some(show::as_csv(&value)?),
            _ => show::for_people(session.engine(), &value, output.width()),
        };
        if let Some(text) = text {
            output.line(&text)?;
        }
        output.flush()?;
        Ok(0)
    })?
}

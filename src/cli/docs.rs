//! `pult docs`: the reference, made from the doc comments.

use std::path::Path;

use super::setup::Setup;
use super::{DocsForm, Global, print_line};
use crate::error::{Error, Kind, Result, did_you_mean};
use crate::script::catalogue;
use crate::script::reference::{self, Page};
use crate::script::report::Report;
use crate::services;

/// The page of what `pult.toml` may say.
const SETTINGS: &str = "settings";

pub fn docs(global: &Global, name: Option<&str>, form: DocsForm, write: Option<&Path>) -> Result<u8, Box<Report>> {
    let setup = Setup::new(global, None)?;
    let functions = setup.with_session(Vec::new(), |session| catalogue::own(session.engine()))?;
    let mut pages = reference::pages(&functions);
    if let Some(folder) = write {
        write_pages(folder, &pages)?;
        return Ok(0);
    }
    if name == Some(SETTINGS) {
        print_line(reference::settings(&services::known()).trim_end())?;
        return Ok(0);
    }
    if let Some(name) = name {
        pages = vec![page_of(&pages, name)?];
    }
    let text = match form {
        DocsForm::Json => reference::as_json(&pages).to_string(),
        DocsForm::Text if name.is_none() => reference::index(&pages),
        DocsForm::Text | DocsForm::Markdown => pages.iter().map(Page::markdown).collect::<Vec<_>>().join("\n"),
    };
    print_line(text.trim_end())?;
    Ok(0)
}

/// The page of this name (an object's is that of its type), or one of only the functions of this name.
fn page_of(pages: &[Page], name: &str) -> Result<Page> {
    let plain = name.rsplit(['.', ':']).next().unwrap_or(name);
    let in_any_case = || pages.iter().find(|page| page.name.eq_ignore_ascii_case(name));
    if let Some(page) = pages.iter().find(|page| page.name == name).or_else(in_any_case) {
        return Ok(page.clone());
    }
    let functions: Vec<_> =
        pages.iter().flat_map(|page| &page.functions).filter(|function| function.name == plain).cloned().collect();
    if !functions.is_empty() {
        return Ok(Page { file: format!("{name}.md"), name: name.to_owned(), functions });
    }
    let known = pages.iter().flat_map(|page| {
        std::iter::once(page.name.as_str()).chain(page.functions.iter().map(|function| function.name.as_str()))
    });
    let error = Error::new(Kind::Usage, "docs.unknown", format!("there is nothing called `{name}`"));
    Err(error.hint(did_you_mean(plain, known).unwrap_or_else(|| "`pult docs` lists everything".into())))
}

fn write_pages(folder: &Path, pages: &[Page]) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(Kind::File, "docs.failed", format!("{} cannot be written: {error}", folder.display()))
            .hint("check the folder's permissions, or name another folder")
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    std::fs::write(folder.join("README.md"), reference::index(pages)).map_err(failed)?;
    std::fs::write(folder.join(format!("{SETTINGS}.md")), reference::settings(&services::known())).map_err(failed)?;
    for page in pages {
        std::fs::write(folder.join(&page.file), page.markdown()).map_err(failed)?;
    }
    Ok(())
}

//! `pult serve`: the web service and its page, until stopped.

use std::net::SocketAddr;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::setup::Setup;
use super::stop::Stop;
use super::{Global, eprint_line, print_line};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::script::report::Report;
use crate::services::sp;
use crate::services::sp::client::site::Site;
use crate::web::listen;
use crate::web::options::{OnStop, Options as Told};
use crate::web::service::Service;
use crate::web::site::SiteDesk;

/// Who may start runs of the simulator. Printed at the start, so it is no secret.
const SANDBOX_USER: &str = "sandbox";
const SANDBOX_TOKEN: &str = "sandbox-token-0000";

#[derive(Args, Debug)]
pub struct Options {
    /// Address and port to listen on, instead of the one in pult.toml; port 0 is any free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// What becomes of runs when the service is told to stop; a second time, it ends at once.
    #[arg(long, value_enum, value_name = "WHAT")]
    on_stop: Option<Ending>,
    /// Print one line of JSON when it is ready.
    #[arg(long)]
    json: bool,
    /// Stop when standard input closes.
    #[arg(long)]
    until_eof: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Ending {
    Finish,
    Cancel,
}

pub fn serve(global: &Global, options: &Options) -> Result<u8, Box<Report>> {
    if global.dry_run {
        let error = Error::new(Kind::Usage, "serve.dry_run", "a service that starts nothing has nothing to serve");
        Err(error.hint(
            "POST /api/plan, or the page, shows what a run would do; `read_only = true` in [serve] refuses all",
        ))?;
    }
    let setup = Setup::new(global, None)?;
    let config = setup.host.connections.config();
    let told = told(config, global.sandbox, options)?;
    let site = site(config, &setup)?;
    let served = setup.runtime().block_on(serving(site, told, options, global.sandbox));
    setup.leave();
    let all_ended = served?;
    if !all_ended {
        eprint_line("some runs did not end in time; the next start shows them as interrupted");
    }
    Ok(if all_ended { 0 } else { Kind::Timeout.exit_code() })
}

/// What the configuration and the command line say together.
fn told(config: &Config, is_sandbox: bool, options: &Options) -> Result<Told> {
    let mut told = match is_sandbox {
        true => Told::new()?,
        false => Told::read(config.serve()?)?,
    };
    if is_sandbox {
        told.people.admit(SANDBOX_USER, SANDBOX_TOKEN, true);
        // There is nothing to guard.
        told.rate = 0.0;
    }
    if let Some(listen) = &options.listen {
        told.listen.clone_from(listen);
    }
    match options.on_stop {
        Some(Ending::Finish) => told.on_stop = OnStop::Finish,
        Some(Ending::Cancel) => told.on_stop = OnStop::Cancel,
        None => {}
    }
    // A relative path begins where the configuration is.
    let folder = config.path().and_then(|path| path.parent());
    if let (Some(log), Some(folder)) = (told.access_log.as_mut().filter(|log| *log != "-"), folder) {
        *log = folder.join(&*log).display().to_string();
    }
    Ok(told)
}

fn site(config: &Config, setup: &Setup) -> Result<Site> {
    let name = config.serve()?.settings.text("connection");
    let settings = match name {
        Some(name) => config.connection(sp::NAME, name)?,
        None => config.default_connection(sp::NAME)?.1,
    };
    Site::open(settings, &setup.host.context)
}

async fn serving(site: Site, told: Told, options: &Options, is_sandbox: bool) -> Result<bool> {
    let (on_stop, place) = (told.on_stop, told.listen.clone());
    let mut stop = Stop::new()?;
    let listener = listen::bind(&place).await?;
    let service = Service::new(Arc::new(SiteDesk(site)), told, eprint_line)?;
    let address = listener
        .local_addr()
        .map_err(|error| Error::new(Kind::Usage, "serve.listen", format!("{place} cannot be listened on: {error}")))?;
    announce(address, options.json, is_sandbox)?;
    let (asked, is_asked) = tokio::sync::oneshot::channel();
    let busy = service.clone();
    let waited = async {
        stop.asked_or_eof(options.until_eof).await;
        say_stopping(busy.busy(), on_stop);
        // The service may have ended by itself.
        let _ = asked.send(());
        stop.asked().await;
        std::process::exit(i32::from(Kind::Stopped.exit_code()));
    };
    tokio::select! {
        all_ended = listen::serve(service, listener, on_stop, async { drop(is_asked.await) }) => Ok(all_ended),
        () = waited => Ok(false),
    }
}

fn announce(address: SocketAddr, as_json: bool, is_sandbox: bool) -> Result<()> {
    let place = format!("http://{address}");
    if as_json {
        let mut line = json!({ "address": place });
        if is_sandbox {
            line["token"] = SANDBOX_TOKEN.into();
        }
        return print_line(&line.to_string());
    }
    print_line(&place)?;
    if is_sandbox {
        print_line(&format!("token: {SANDBOX_TOKEN}"))?;
    }
    if !address.ip().is_loopback() {
        eprint_line("warning: tokens cross the network as they are; put a proxy with TLS in front");
    }
    eprint_line("Ctrl-C stops");
    Ok(())
}

fn say_stopping(busy: usize, on_stop: OnStop) {
    let runs = match busy {
        0 => return,
        1 => "1 run".to_owned(),
        many => format!("{many} runs"),
    };
    let what = match on_stop {
        OnStop::Finish => "waits for the end of",
        OnStop::Cancel => "cancels",
    };
    eprint_line(&format!("stopping: {what} {runs}; asked again, it ends at once"));
}

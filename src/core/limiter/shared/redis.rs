//! All processes of all computers: through Redis or Valkey.

use futures_util::future::BoxFuture;
use redis::aio::MultiplexedConnection;
use redis::{Client, Script};
use tokio::sync::Mutex;

use super::{Ledger, News, Rate, Told};
use crate::error::{Error, Kind, Result};

/// The same step as everywhere, carried out by the store in one piece and on its clock, so that those of the computers do not
/// matter. Numbers go out as texts: Redis cuts fractions.
const STEP: &str = r"
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local drains, usable, given_back, at_least = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local unasked = tonumber(ARGV[5])
local known = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(known[1] or '0'), tonumber(known[2] or tostring(now))
level = math.max(level - math.max(now - at, 0) * drains, 0)
level = math.max(level + unasked - given_back, at_least, 0)
local wait = (level + 1 - usable) / drains
if wait <= 0 then level = level + 1; wait = 0 end
redis.call('HSET', KEYS[1], 'level', string.format('%.6f', level), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], 3600)
for i = 6, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
redis.call('EXPIRE', KEYS[2], 3600)
local closed = {}
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  if tonumber(all[i + 1]) > now then closed[#closed + 1] = all[i]; closed[#closed + 1] = all[i + 1]
  else redis.call('HDEL', KEYS[2], all[i]) end
end
return {string.format('%.6f', wait), string.format('%.6f', level), closed}
";

/// The ledger in Redis or Valkey.
pub struct RedisLedger {
    client: Client,
    step: Script,
    open: Mutex<Option<MultiplexedConnection>>,
}

impl RedisLedger {
    /// `redis://[:password@]host[:port][/number]`. Connects to nothing. The error says what is wrong with the address.
    pub fn at(address: &str) -> Result<RedisLedger, String> {
        let client = Client::open(address).map_err(|error| error.to_string())?;
        Ok(RedisLedger { client, step: Script::new(STEP), open: Mutex::default() })
    }

    async fn connection(&self) -> redis::RedisResult<MultiplexedConnection> {
        let mut open = self.open.lock().await;
        match &*open {
            Some(connection) => Ok(connection.clone()),
            None => Ok(open.insert(self.client.get_multiplexed_async_connection().await?).clone()),
        }
    }

    async fn ask(&self, server: &str, rate: Rate, news: &News) -> redis::RedisResult<(String, String, Vec<String>)> {
        let mut connection = self.connection().await?;
        let mut step = self.step.key(format!("pult:limits:{server}"));
        step.key(format!("pult:limits:{server}:closed"));
        for number in [rate.drains, rate.usable(), news.given_back, news.at_least, news.unasked] {
            step.arg(number.to_string());
        }
        for (method, until) in &news.closed {
            step.arg(method).arg(until.to_string());
        }
        step.invoke_async(&mut connection).await
    }
}

impl Ledger for RedisLedger {
    fn take<'a>(&'a self, server: &'a str, rate: Rate, news: &'a News) -> BoxFuture<'a, Result<Told>> {
        Box::pin(async move {
            let told = match self.ask(server, rate, news).await {
                Ok(told) => told,
                Err(error) => {
                    // A new connection at the next time.
                    *self.open.lock().await = None;
                    return Err(failed(&error.to_string()));
                }
            };
            read(told).ok_or_else(|| failed("its answer is no answer to this"))
        })
    }
}

fn read((wait, level, closed): (String, String, Vec<String>)) -> Option<Told> {
    let wait = std::time::Duration::try_from_secs_f64(wait.parse().ok()?).ok()?;
    let closed = closed.chunks_exact(2).filter_map(|pair| Some((pair[0].clone(), pair[1].parse().ok()?))).collect();
    Some(Told { wait, level: level.parse().ok()?, closed })
}

fn failed(why: &str) -> Error {
    Error::new(Kind::Unavailable, "limits.away", format!("the store of `limits` does not answer: {why}"))
}

//! Resources: credentials, texts, calendars, and who may see them.

use serde_json::{Value, json};

use super::call::{Answer, Call, Fail, Reply, Who, absent, fail};
use super::processes::{named, rename, with};
use super::table::Thing;
use super::things::Asset;
use super::world::World;

const ONE_ROBOT: i64 = 1;
const GROUP: i64 = 2;
const ALL: i64 = 3;

impl World {
    /// Whether somebody may see a resource; the account sees all.
    fn may_see(&self, asset: &Asset, who: Who) -> bool {
        let Who::Robot(robot) = who else { return true };
        match asset.robot_type {
            ONE_ROBOT => asset.robot == robot,
            GROUP => self.robots.get(robot).is_some_and(|robot| robot.group != 0 && robot.group == asset.group),
            _ => true,
        }
    }

    /// A resource that the caller may see. One that it may not see is absent: of two with one name it gets its own.
    fn asset(&self, call: &Call, key: &str) -> Result<u64, Fail> {
        let seen = |asset: &&Asset| self.may_see(asset, call.who);
        let is_named = |asset: &&Asset| self.knobs.by_name && asset.base.name == key.trim();
        let by_guid = self.assets.by_guid(key).and_then(|id| self.assets.get(id));
        let own_first = |asset: &&Asset| (asset.robot_type.clamp(ONE_ROBOT, ALL), std::cmp::Reverse(asset.base.id));
        let by_name = || self.assets.iter().filter(is_named).filter(seen).min_by_key(own_first);
        let found = by_guid.or_else(by_name).filter(seen);
        found.map(|asset| asset.base.id).ok_or_else(|| absent(Asset::WORD))
    }

    fn change_asset(&mut self, asset: &mut Asset, call: &Call) -> Result<(), Fail> {
        let fields = &call.fields;
        let kind = fields.any(&["Type"]).map(|_| fields.int("Type").filter(|kind| (1..=3).contains(kind)));
        if let Some(kind) = kind {
            asset.kind = kind.ok_or_else(|| fail(422, "Type is 1 (credentials), 2 (text) or 3 (calendar)."))?;
        }
        let robot_type = fields.any(&["RobotType"]).map(|_| fields.int("RobotType"));
        if let Some(kind) = robot_type {
            let known = kind.filter(|kind| (ONE_ROBOT..=ALL).contains(kind));
            asset.robot_type = known.ok_or_else(|| fail(422, "RobotType is 1 (a robot), 2 (a group) or 3 (all)."))?;
        }
        if let Some(key) = fields.any(&["RobotId", "RobotGuid"]) {
            asset.robot = self.pick(&self.robots, &key)?;
        }
        if let Some(key) = fields.any(&["RobotGroupId", "RobotGroupGuid"]) {
            asset.group = self.pick(&self.groups, &key)?;
        }
        for (name, place) in [
            ("Text", &mut asset.text),
            ("Password", &mut asset.password),
            ("PasswordExpiration", &mut asset.password_expiration),
        ] {
            if let Some(text) = fields.text(name) {
                *place = text;
            }
        }
        Ok(())
    }
}

fn show(asset: &Asset) -> Value {
    let some = |id: u64| (id != 0).then_some(id);
    let expires = (!asset.password_expiration.is_empty()).then_some(&asset.password_expiration);
    with(
        World::show_base(&asset.base),
        json!({
            "type": asset.kind, "text": asset.text, "password": asset.password, "password_expiration": expires,
            "robot_type": asset.robot_type, "robot_id": some(asset.robot), "robot_group_id": some(asset.group),
            "is_deleted": 0,
        }),
    )
}

/// `asset/create`.
pub fn create(world: &mut World, call: &Call) -> Answer {
    let base = named(world, call)?;
    let guid = base.guid.clone();
    let mut asset = Asset { base, kind: 2, robot_type: ALL, ..Asset::default() };
    world.change_asset(&mut asset, call)?;
    world.assets.insert(asset);
    Ok(Reply::Json(json!({"guid": guid})))
}

/// `asset/read`.
pub fn read(world: &mut World, call: &Call) -> Answer {
    let id = world.asset(call, call.key())?;
    let asset = world.assets.get(id).ok_or_else(|| absent(Asset::WORD))?;
    Ok(Reply::Json(show(asset)))
}

/// `asset/update`. `Guid` may hold a name; `Name` alone finds it as well.
pub fn update(world: &mut World, call: &Call) -> Answer {
    let key = call.fields.any(&["Guid"]).map_or_else(|| call.needed("Name"), Ok)?;
    let id = world.asset(call, &key)?;
    let mut asset = world.assets.get(id).cloned().ok_or_else(|| absent(Asset::WORD))?;
    rename(&mut asset.base, call);
    world.change_asset(&mut asset, call)?;
    if let Some(place) = world.assets.get_mut(id) {
        *place = asset;
    }
    Ok(Reply::Done)
}

/// `asset/delete`.
pub fn delete(world: &mut World, call: &Call) -> Answer {
    let id = world.asset(call, call.key())?;
    world.assets.remove(id);
    Ok(Reply::Done)
}

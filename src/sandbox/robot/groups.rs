//! Groups of robots. Nothing but their existence is known; the addresses are ours: `robotGroup/create`, `read/{guid}`,
//! `update` (`Guid`, `Name`, `Robots`: GUIDs with `;`), `delete/{guid}`.

use serde_json::json;

use super::call::{Answer, Call, Reply, absent};
use super::processes::{named, rename, with};
use super::table::Thing;
use super::tasks::split;
use super::things::Group;
use super::world::World;

/// Puts robots into a group, when the call names any.
fn fill(world: &mut World, id: u64, call: &Call) -> Result<(), super::call::Fail> {
    let Some(robots) = call.fields.text("Robots") else { return Ok(()) };
    let picked = split(&robots).iter().map(|key| world.pick(&world.robots, key)).collect::<Result<Vec<_>, _>>()?;
    for robot in world.robots.iter_mut() {
        if picked.contains(&robot.base.id) {
            robot.group = id;
        } else if robot.group == id {
            robot.group = 0;
        }
    }
    Ok(())
}

/// `robotGroup/create`.
pub fn create(world: &mut World, call: &Call) -> Answer {
    let base = named(world, call)?;
    let guid = base.guid.clone();
    let id = world.groups.insert(Group { base });
    fill(world, id, call)?;
    Ok(Reply::Json(json!({"guid": guid})))
}

/// `robotGroup/read`.
pub fn read(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.groups, call.key())?;
    let group = world.groups.get(id).ok_or_else(|| absent(Group::WORD))?;
    let robots = world.robots.iter().filter(|robot| robot.group == id).map(|robot| robot.base.guid.clone());
    Ok(Reply::Json(with(World::show_base(&group.base), json!({"robots": robots.collect::<Vec<_>>()}))))
}

/// `robotGroup/update`.
pub fn update(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.groups, &call.needed("Guid")?)?;
    rename(&mut world.groups.get_mut(id).ok_or_else(|| absent(Group::WORD))?.base, call);
    fill(world, id, call)?;
    Ok(Reply::Done)
}

/// `robotGroup/delete`; its robots belong to none.
pub fn delete(world: &mut World, call: &Call) -> Answer {
    let id = world.pick(&world.groups, call.key())?;
    world.groups.remove(id);
    world.robots.iter_mut().filter(|robot| robot.group == id).for_each(|robot| robot.group = 0);
    Ok(Reply::Done)
}

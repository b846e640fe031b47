//! Every published attack that applies to what there is, told to the real clients by a server that lies.

#[cfg(test)]
mod accounts;
#[cfg(test)]
mod chosen;
#[cfg(test)]
mod content;
#[cfg(test)]
mod device;
#[cfg(test)]
mod halts;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod page;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod spaces;
#[cfg(test)]
mod stored;
#[cfg(test)]
mod stranger;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod world;

/// Runs each row with the library and with the program. What a row leaves must hold nothing secret at the server.
#[cfg(test)]
macro_rules! rows {
    ($($name:ident),+ $(,)?) => {
        mod library {
            $(#[tokio::test]
            async fn $name() {
                let world = $crate::world::World::new(stringify!($name), $crate::world::With::Library);
                super::$name(&world).await;
                world.assert_nothing_leaked();
            })+
        }

        mod program {
            $(#[tokio::test]
            async fn $name() {
                let world = $crate::world::World::new(stringify!($name), $crate::world::With::Program);
                super::$name(&world).await;
                world.assert_nothing_leaked();
            })+
        }
    };
}
#[cfg(test)]
use rows;

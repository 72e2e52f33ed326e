//! `destroy`: the role goes, what it owned stays, what others had from it stays, and nobody else notices.

mod blockers;
mod busy;
mod crash;
mod elsewhere;
mod everything;
mod gaps;
mod laundering;
mod many;
mod names;
mod orders;
mod others;

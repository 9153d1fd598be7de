//! What pages for people share: how somebody looks at them ([`look`]), figures as people write them ([`figures`]),
//! style and scripts ([`assets`]), the answer with its security headers ([`html`]), and whether a form is one of our
//! own ([`origin`]).

pub mod assets;
pub mod figures;
pub mod html;
pub mod look;
pub mod origin;

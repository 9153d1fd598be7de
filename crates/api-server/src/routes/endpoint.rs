//! The lines of the table of routes: what is served, who may call it, and what the document says of it.

use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, HttpResponse, Responder, Route, guard};
use domain::ports::identity::Scope;

use crate::openapi::operation::Operation;

/// Who may call. The handler decides it; this is what the document says, and a test holds the two together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever comes.
    Anyone,
    /// Whoever has a good token or API key.
    Caller,
    /// A token or an API key with this scope.
    With(Scope),
    /// A token with this scope, never an API key.
    TokenWith(Scope),
    /// A token with one of these.
    TokenWithAnyOf(&'static [Scope]),
}

/// What the document says of an endpoint.
#[derive(Clone, Copy)]
pub enum Said {
    /// What this describes.
    Described(fn(Operation) -> Operation),
    /// Nothing: it is for people, not for programs.
    Nothing,
}

/// A line of the table.
pub struct Endpoint {
    /// How it is called.
    pub method: Method,
    /// Where it is.
    pub path: &'static str,
    /// Who may.
    pub access: Access,
    /// What the document says of it.
    pub said: Said,
    route: Route,
}

impl Endpoint {
    fn new<F, Args>(method: Method, path: &'static str, access: Access, handler: F, said: Said) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let route = if method == Method::GET {
            // Who may read may ask for the head alone (RFC 9110, section 9.1).
            web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler)
        } else {
            web::method(method.clone()).to(handler)
        };
        Self { method, path, access, said, route }
    }

    /// The methods that it answers to.
    fn methods(&self) -> &str {
        if self.method == Method::GET { "GET, HEAD" } else { self.method.as_str() }
    }
}

/// A line for one method, described in the document.
macro_rules! line {
    ($(#[$doc:meta])* $name:ident, $method:ident) => {
        $(#[$doc])*
        pub fn $name<F, Args>(
            path: &'static str,
            access: Access,
            handler: F,
            describe: fn(Operation) -> Operation,
        ) -> Endpoint
        where
            F: Handler<Args>,
            Args: FromRequest + 'static,
            F::Output: Responder + 'static,
        {
            Endpoint::new(Method::$method, path, access, handler, Said::Described(describe))
        }
    };
}

line!(
    /// Something to read.
    get, GET
);
line!(
    /// Something to do.
    post, POST
);
line!(
    /// Something to set.
    put, PUT
);
line!(
    /// Something to end.
    delete, DELETE
);

/// A page for people, or a file of one. It is not in the document, and lets in whom it will.
pub fn page<F, Args>(path: &'static str, handler: F) -> Endpoint
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    Endpoint::new(Method::GET, path, Access::Anyone, handler, Said::Nothing)
}

/// What a form of such a page sends.
pub fn form<F, Args>(path: &'static str, handler: F) -> Endpoint
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    Endpoint::new(Method::POST, path, Access::Anyone, handler, Said::Nothing)
}

/// Registers a table. A path answers 405 to methods that it does not know.
pub fn register(config: &mut ServiceConfig, table: Vec<Endpoint>) {
    let mut places: Vec<(&'static str, Vec<Endpoint>)> = Vec::new();
    for endpoint in table {
        match places.iter_mut().find(|(path, _)| *path == endpoint.path) {
            Some((_, endpoints)) => endpoints.push(endpoint),
            None => places.push((endpoint.path, vec![endpoint])),
        }
    }
    for (path, endpoints) in places {
        let methods: Vec<&str> = endpoints.iter().map(Endpoint::methods).collect();
        let allow = methods.join(", ");
        // Rendered as a problem by the layer around, which keeps this header.
        let refuse = move || {
            let response = HttpResponse::MethodNotAllowed().insert_header((ALLOW, allow.clone())).finish();
            std::future::ready(response)
        };
        let place = web::resource(path).default_service(web::to(refuse));
        config.service(endpoints.into_iter().fold(place, |place, endpoint| place.route(endpoint.route)));
    }
}

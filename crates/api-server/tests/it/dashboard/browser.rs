//! A browser without scripts: it keeps cookies, says where its forms come from, and fills them in.

use std::cell::RefCell;
use std::collections::BTreeMap;

use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};

use crate::harness::{Server, token};

pub struct Browser<'a> {
    pub server: &'a Server,
    client: Client,
    cookies: RefCell<BTreeMap<String, String>>,
}

/// What a page came as.
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl<'a> Browser<'a> {
    pub fn new(server: &'a Server) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { server, client, cookies: RefCell::default() }
    }

    /// One that is signed in, as an admin who may do everything.
    pub async fn admin(server: &'a Server) -> Self {
        let browser = Self::new(server);
        let page = browser.sign_in(&token("boss", "admin")).await;
        assert_eq!(page.status, 303, "{}", page.html);
        browser
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    fn dressed(&self, request: RequestBuilder) -> RequestBuilder {
        let cookies: Vec<String> =
            self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("Accept-Language", "en");
        if cookies.is_empty() { request } else { request.header(COOKIE, cookies.join("; ")) }
    }

    async fn page(&self, answer: Response) -> Page {
        for set in answer.headers().get_all(SET_COOKIE) {
            let (pair, attributes) = set.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.borrow_mut();
            if attributes.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Page {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            html: answer.text().await.unwrap(),
        }
    }

    pub async fn get(&self, path: &str) -> Page {
        let request = self.client.get(format!("{}{path}", self.server.url));
        self.page(self.dressed(request).send().await.unwrap()).await
    }

    /// A page that must be there.
    pub async fn see(&self, path: &str) -> Page {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.html);
        page
    }

    /// Sends fields just as they are, as a form of our own would be sent.
    pub async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send_from("same-origin", path, fields).await
    }

    pub async fn send_from(&self, site: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self.client.post(format!("{}{path}", self.server.url)).header("Sec-Fetch-Site", site);
        self.page(self.dressed(request).form(fields).send().await.unwrap()).await
    }

    /// Fills in the form on a page that is sent to `path`, and sends it.
    pub async fn submit(&self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut all: Vec<(&str, &str)> = page
            .hidden(path)
            .into_iter()
            .filter(|(name, _)| fields.iter().all(|(own, _)| own != name))
            .collect();
        all.extend(fields);
        self.send(path, &all).await
    }

    pub async fn sign_in(&self, token: &str) -> Page {
        let page = self.see("/admin/login").await;
        self.submit(&page, "/admin/login", &[("token", token)]).await
    }
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn leads_to(&self) -> &str {
        self.headers[LOCATION].to_str().unwrap()
    }

    /// The hidden fields of the form that is sent to `path`.
    pub fn hidden(&self, path: &str) -> Vec<(&str, &str)> {
        let action = format!("action=\"{path}\"");
        let form = self.html.split("<form").find(|form| form.contains(&action));
        let form = form.unwrap_or_else(|| panic!("no form to {path} in {}", self.html));
        let form = form.split("</form>").next().unwrap();
        let inputs = form.split("<input").skip(1).filter(|input| input.contains("type=\"hidden\""));
        inputs.map(|input| (attribute(input, "name"), attribute(input, "value"))).collect()
    }

    /// A hidden field of the form that is sent to `path`.
    pub fn field(&self, path: &str, name: &str) -> String {
        let fields = self.hidden(path);
        fields.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()).unwrap()
    }

    pub fn has(&self, text: &str) -> bool {
        self.html.contains(text)
    }
}

fn attribute<'a>(input: &'a str, name: &str) -> &'a str {
    let begin = input.find(&format!("{name}=\"")).unwrap() + name.len() + 2;
    input[begin..].split('"').next().unwrap()
}

//! An XML document: its nodes in the order in which they stand in the text.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};

/// Deepest nesting of elements.
const DEPTH_MAX: usize = 512;

/// A node's place in its document.
pub type Place = usize;

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// What the outermost element is a child of.
    Root,
    /// An element: its name with its prefix, its attributes, its children.
    Element {
        /// The name.
        name: String,
        /// Its attributes.
        attributes: Vec<Place>,
        /// Elements and texts in it.
        children: Vec<Place>,
    },
    /// An attribute.
    Attribute(String, String),
    /// A text.
    Text(String),
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What it stands in.
    pub parent: Place,
    /// What it is.
    pub kind: Kind,
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    nodes: Vec<Node>,
    top: Place,
}

impl Document {
    /// The document that a text is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Document, String> {
        let mut document = Document { nodes: vec![Node { parent: 0, kind: Kind::Root }], top: 0 };
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Place> = Vec::new();
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(start) => {
                    let place = document.element(&start, open.last().copied())?;
                    if open.len() >= DEPTH_MAX {
                        return Err(format!("its elements are nested deeper than {DEPTH_MAX}"));
                    }
                    open.push(place);
                }
                Event::Empty(start) => {
                    document.element(&start, open.last().copied())?;
                }
                Event::End(_) => {
                    open.pop();
                }
                Event::Text(text) => document.text(&text.decode().map_err(|error| error.to_string())?, open.last())?,
                Event::CData(text) => document.text(&text.decode().map_err(|error| error.to_string())?, open.last())?,
                Event::GeneralRef(name) => {
                    let letter = name.resolve_char_ref().map_err(|error| error.to_string())?;
                    let name = name.decode().map_err(|error| error.to_string())?;
                    let text = letter.map(String::from).or_else(|| resolve_predefined_entity(&name).map(String::from));
                    document.text(&text.ok_or_else(|| format!("it has no entity `{name}`"))?, open.last())?;
                }
                Event::Eof if !open.is_empty() => return Err("an element is not closed".to_string()),
                Event::Eof if document.top == 0 => return Err("it has no element".to_string()),
                Event::Eof => return Ok(document),
                Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
    }

    fn element(&mut self, start: &BytesStart<'_>, parent: Option<Place>) -> Result<Place, String> {
        if parent.is_none() && self.top != 0 {
            return Err("it has more than one outermost element".to_string());
        }
        let name = String::from_utf8_lossy(start.name().as_ref()).into_owned();
        let place = self.nodes.len();
        let kind = Kind::Element { name, attributes: Vec::new(), children: Vec::new() };
        self.nodes.push(Node { parent: parent.unwrap_or(0), kind });
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
            let text = String::from_utf8_lossy(&attribute.value);
            let value = quick_xml::escape::unescape(&text).map_err(|error| error.to_string())?.into_owned();
            let at = self.nodes.len();
            self.nodes.push(Node { parent: place, kind: Kind::Attribute(name, value) });
            if let Kind::Element { attributes, .. } = &mut self.nodes[place].kind {
                attributes.push(at);
            }
        }
        match parent {
            Some(parent) => self.adopt(parent, place),
            None => self.top = place,
        }
        Ok(place)
    }

    fn adopt(&mut self, parent: Place, child: Place) {
        if let Kind::Element { children, .. } = &mut self.nodes[parent].kind {
            children.push(child);
        }
    }

    fn text(&mut self, text: &str, parent: Option<&Place>) -> Result<(), String> {
        let Some(parent) = parent.copied() else {
            return if text.trim().is_empty() {
                Ok(())
            } else {
                Err("there is text outside of its element".to_string())
            };
        };
        // Pieces of one text, parted by entities, are one node.
        let last = match &self.nodes[parent].kind {
            Kind::Element { children, .. } => children.last().copied(),
            _ => None,
        };
        if let Some(last) = last
            && let Kind::Text(before) = &mut self.nodes[last].kind
        {
            before.push_str(text);
            return Ok(());
        }
        let at = self.nodes.len();
        self.nodes.push(Node { parent, kind: Kind::Text(text.to_string()) });
        self.adopt(parent, at);
        Ok(())
    }

    /// A node.
    pub fn node(&self, place: Place) -> &Node {
        &self.nodes[place]
    }

    /// The outermost element.
    pub fn top(&self) -> Place {
        self.top
    }

    /// Elements and texts in a node.
    pub fn children(&self, place: Place) -> Vec<Place> {
        match &self.nodes[place].kind {
            Kind::Root => vec![self.top],
            Kind::Element { children, .. } => children.clone(),
            _ => Vec::new(),
        }
    }

    /// The attributes of a node.
    pub fn attributes(&self, place: Place) -> &[Place] {
        match &self.nodes[place].kind {
            Kind::Element { attributes, .. } => attributes,
            _ => &[],
        }
    }

    /// The name of an element or attribute.
    pub fn name(&self, place: Place) -> Option<&str> {
        match &self.nodes[place].kind {
            Kind::Element { name, .. } | Kind::Attribute(name, _) => Some(name),
            _ => None,
        }
    }

    /// The value of a text or an attribute; elements have none.
    pub fn value(&self, place: Place) -> Option<String> {
        match &self.nodes[place].kind {
            Kind::Attribute(_, text) | Kind::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// All text in a node.
    pub fn text_of(&self, place: Place) -> String {
        match &self.nodes[place].kind {
            Kind::Attribute(_, text) | Kind::Text(text) => text.clone(),
            _ => self.children(place).into_iter().map(|child| self.text_of(child)).collect(),
        }
    }
}

//! What a template is given: JSON whose objects keep the order in which they were written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A value of JSON. Whole numbers have up to 38 digits; the order of an object's keys is kept, since templates print it.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// `null`
    None,
    /// `true` or `false`
    Bool(bool),
    /// A number without a point or exponent.
    Whole(i128),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
    /// An array.
    List(Vec<Data>),
    /// An object, with each key once.
    Map(Vec<(String, Data)>),
}

impl Data {
    /// The text of a text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Data::None => serializer.serialize_unit(),
            Data::Bool(bool) => serializer.serialize_bool(*bool),
            Data::Whole(number) => match i64::try_from(*number) {
                Ok(number) => serializer.serialize_i64(number),
                Err(_) => serializer.serialize_i128(*number),
            },
            Data::Float(number) => serializer.serialize_f64(*number),
            Data::Text(text) => serializer.serialize_str(text),
            Data::List(items) => serializer.collect_seq(items),
            Data::Map(pairs) => {
                let mut map = serializer.serialize_map(Some(pairs.len()))?;
                for (key, value) in pairs {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Data {
        Data::Text(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Data, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Data;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value of JSON")
            }

            fn visit_unit<E>(self) -> Result<Data, E> {
                Ok(Data::None)
            }

            fn visit_bool<E>(self, bool: bool) -> Result<Data, E> {
                Ok(Data::Bool(bool))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Data, E> {
                Ok(Data::Whole(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Data, E> {
                Ok(Data::Whole(number.into()))
            }

            fn visit_i128<E>(self, number: i128) -> Result<Data, E> {
                Ok(Data::Whole(number))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Data, E> {
                Ok(Data::Float(number))
            }

            fn visit_str<E>(self, text: &str) -> Result<Data, E> {
                Ok(Data::Text(text.to_owned()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Data, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = sequence.next_element()? {
                    items.push(item);
                }
                Ok(Data::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
                let mut pairs: Vec<(String, Data)> = Vec::new();
                let mut places = std::collections::HashMap::new();
                while let Some((key, value)) = map.next_entry::<String, Data>()? {
                    match places.get(&key) {
                        // As Python: the last value, in the first one's place.
                        Some(place) => {
                            let place: &usize = place;
                            if let Some(pair) = pairs.get_mut(*place) {
                                pair.1 = value;
                            }
                        }
                        None => {
                            places.insert(key.clone(), pairs.len());
                            pairs.push((key, value));
                        }
                    }
                }
                Ok(Data::Map(pairs))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

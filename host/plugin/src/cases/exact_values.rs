//! Doubles and bytes, which JSON has no exact notation for, so that a case is read as it was written.

/// Doubles. JSON has neither infinity nor NaN: those are texts.
pub(super) mod double {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[derive(Deserialize, Serialize)]
    #[serde(untagged)]
    enum NumberOrName {
        Number(f64),
        Name(String),
    }

    pub(crate) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        if value.is_finite() { serializer.serialize_f64(*value) } else { serializer.serialize_str(&value.to_string()) }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        match NumberOrName::deserialize(deserializer)? {
            NumberOrName::Number(value) => Ok(value),
            NumberOrName::Name(name) => match name.as_str() {
                "inf" => Ok(f64::INFINITY),
                "-inf" => Ok(f64::NEG_INFINITY),
                "NaN" => Ok(f64::NAN),
                _ => Err(de::Error::custom("a number is \"inf\", \"-inf\" or \"NaN\" where it is a text")),
            },
        }
    }
}

/// Doubles that may be absent.
pub(super) mod optional_double {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize, Serialize)]
    struct Double(#[serde(with = "super::double")] f64);

    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(Double).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<Double>::deserialize(deserializer)?.map(|double| double.0))
    }
}

/// Bytes as hexadecimal digits, or null.
pub(super) mod hexadecimal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_ref().map(hex::encode).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let Some(digits) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        let bytes = hex::decode(digits).map_err(|_| de::Error::custom("a memory is pairs of hexadecimal digits"))?;
        Ok(Some(bytes))
    }
}

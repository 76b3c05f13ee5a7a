//! What a row of the list in `kinds.rs` becomes: everything that is the same for each kind but for its name.

/// Takes one row per kind: what it decides, its variant, its name in recipes and on the command line, its public type,
/// and the method of [`LoadedPlugin`](crate::LoadedPlugin) that gives that type. The order is that of the contract.
macro_rules! kinds {
    ($(
        $(#[$documentation:meta])*
        $kind:ident = $name:literal, $plugin:ident, $into:ident;
    )+) => {
        /// What a plugin decides. One kind per world of the contract.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Kind {
            $($(#[$documentation])* $kind,)+
        }

        impl Kind {
            /// All kinds, in the order of the contract.
            pub const ALL: [Kind; [$(Kind::$kind),+].len()] = [$(Kind::$kind),+];

            /// The kind's name in recipes and on the command line.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Kind::$kind => $name,)+
                }
            }

            /// The interface of package `octo:plugin` that only a plugin of this kind exports.
            pub(crate) fn interface(self) -> &'static str {
                match self {
                    $(Kind::$kind => <$plugin as $crate::kinds::PluginKind>::INTERFACE,)+
                }
            }

            /// The interfaces of package `octo:plugin` that a plugin of this kind may import.
            pub(crate) fn imports(self) -> Vec<&'static str> {
                let services = match self {
                    $(Kind::$kind => <$plugin as $crate::kinds::PluginKind>::SERVICES,)+
                };
                [&["types", "log"], services].concat()
            }

            /// Whether a version of the contract has this kind.
            pub(crate) fn is_in(self, contract: $crate::Contract) -> bool {
                match self {
                    $(Kind::$kind => {
                        <<$plugin as $crate::kinds::PluginKind>::World as $crate::contract::world::World>::is_in(contract)
                    })+
                }
            }

            /// Compiles, starts and configures a plugin of this kind.
            pub(crate) fn load(
                self,
                loading: $crate::load::Loading<'_>,
                config: &serde_json::Value,
            ) -> Result<LoadedPlugin, $crate::LoadError> {
                Ok(match self {
                    $(Kind::$kind => {
                        LoadedPlugin::$kind(<$plugin as $crate::kinds::PluginKind>::new(loading.load(config)?))
                    })+
                })
            }

            /// Compiles and starts a plugin of this kind: its description, and its digest as it is written.
            pub(crate) fn describe(
                self,
                loading: &$crate::load::Loading<'_>,
            ) -> Result<($crate::Description, String), $crate::LoadError> {
                Ok(match self {
                    $(Kind::$kind => {
                        loading.start::<<$plugin as $crate::kinds::PluginKind>::World>()?.into_description()
                    })+
                })
            }
        }

        impl std::fmt::Display for Kind {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        /// A plugin of any kind, ready to use.
        pub enum LoadedPlugin {
            $($(#[$documentation])* $kind($plugin),)+
        }

        impl LoadedPlugin {
            /// What the plugin decides.
            pub fn kind(&self) -> Kind {
                match self {
                    $(LoadedPlugin::$kind(_) => Kind::$kind,)+
                }
            }

            /// What the plugin says about itself.
            pub fn description(&self) -> &$crate::Description {
                match self {
                    $(LoadedPlugin::$kind(plugin) => plugin.description(),)+
                }
            }

            /// SHA-256 of the component's bytes, as `sha256:` and hexadecimal digits.
            pub fn digest(&self) -> &str {
                match self {
                    $(LoadedPlugin::$kind(plugin) => plugin.digest(),)+
                }
            }

            /// The version of the contract that the plugin was built for.
            pub fn contract(&self) -> $crate::Contract {
                match self {
                    $(LoadedPlugin::$kind(plugin) => plugin.contract(),)+
                }
            }

            /// The same plugin, which reports the items that it fails on from now on to `listener`.
            pub fn with_failure_listener(
                mut self,
                listener: std::sync::Arc<dyn $crate::FailedItems>,
            ) -> LoadedPlugin {
                let listener = $crate::failure::FailureListener::new(listener);
                match &mut self {
                    $(LoadedPlugin::$kind(plugin) => {
                        $crate::kinds::PluginKind::blueprint_mut(plugin).failures = listener;
                    })+
                }
                self
            }

            /// What the plugin answers to the item of a case, run alone; `None` where it has no answer to it, as to an
            /// item of another kind.
            pub(crate) fn answer(
                self,
                record: &$crate::Record,
            ) -> Option<Result<$crate::Answer, $crate::Failure>> {
                match self {
                    $(LoadedPlugin::$kind(plugin) => $crate::kinds::PluginKind::answer(plugin, record),)+
                }
            }

            $(
                #[doc = concat!("The plugin as the ", $name, " that it is.")]
                ///
                /// # Errors
                /// [`LoadError::Kind`](crate::LoadError::Kind) for a plugin of another kind.
                pub fn $into(self) -> Result<$plugin, $crate::LoadError> {
                    match self {
                        LoadedPlugin::$kind(plugin) => Ok(plugin),
                        other => Err($crate::LoadError::Kind {
                            plugin: other.description().name.clone(),
                            actual: other.kind(),
                            wanted: Kind::$kind,
                        }),
                    }
                }
            )+
        }

        $(
            impl $plugin {
                /// What the plugin says about itself.
                pub fn description(&self) -> &$crate::Description {
                    &$crate::kinds::PluginKind::blueprint(self).description
                }

                /// SHA-256 of the component's bytes, as `sha256:` and hexadecimal digits.
                pub fn digest(&self) -> &str {
                    &$crate::kinds::PluginKind::blueprint(self).digest
                }

                /// The version of the contract that it was built for.
                pub fn contract(&self) -> $crate::Contract {
                    $crate::kinds::PluginKind::blueprint(self).contract
                }
            }
        )+

        impl $crate::Record {
            /// The kind of plugin that it is for.
            pub fn kind(&self) -> Kind {
                match self {
                    $($crate::Record::$kind { .. } => Kind::$kind,)+
                }
            }
        }
    };
}
pub(crate) use kinds;

//! Opening snapshots for SQL: tables with their meaning, their types and their physical order.
//!
//! DataFusion is told that every bucketed table lies in one file for each bucket and is sorted within it. With as many
//! target partitions as buckets, a window over `bucket` and `patient_id` in time order then needs neither a sort nor a
//! shuffle.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{plan_err, resources_err};
use datafusion::datasource::MemTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, GreedyMemoryPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::logical_expr::{LogicalPlan, SortExpr};
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::{DataFrame, SQLOptions, SessionConfig, SessionContext, col, lit};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use url::Url;

use crate::contract::{self, Contract};
use crate::error::{LakeError, Result};
use crate::filter_pushdown;
use crate::grouped::{Grouped, Part};
use crate::manifest::{Manifest, ResultsManifest};
use crate::small_windows::SmallWindows;
use crate::snapshot::Snapshot;
use crate::unit_view::UnitView;

/// Name of the partition column of bucketed tables.
pub const BUCKET: &str = "bucket";
/// Catalog that holds the schemas `lake`, `prepared` and `results`.
pub const CATALOG: &str = "carecoord";
/// Schemas in which tables are registered.
pub const SCHEMAS: [&str; 3] = ["lake", "prepared", "results"];

fn engine(error: impl std::fmt::Display) -> LakeError {
    LakeError::engine("cannot open the tables for SQL", error)
}

/// How sorts, joins and groups that run together divide the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Each that can spill gets an equal share and spills beyond it: for tables that do not fit into memory.
    Equal,
    /// Each takes what it needs while there is any: for tables that fit. A large plan over many partitions has a hundred sorts and
    /// groups, and an equal share would not hold a single batch of rows.
    Free,
}

/// What sessions share: `memory_bytes` bounds what joins, sorts and groups may hold before they spill into `scratch`, a
/// folder that the caller removes.
///
/// # Errors
/// When DataFusion refuses, for example because `scratch` cannot be made.
pub fn runtime(memory_bytes: usize, sharing: Sharing, scratch: &Path) -> Result<Arc<RuntimeEnv>> {
    let pool: Arc<dyn MemoryPool> = match sharing {
        Sharing::Equal => Arc::new(FairSpillPool::new(memory_bytes)),
        Sharing::Free => Arc::new(GreedyMemoryPool::new(memory_bytes)),
    };
    RuntimeEnvBuilder::new().with_memory_pool(pool).with_temp_file_path(scratch).build_arc().map_err(engine)
}

/// A session with empty schemas, for tables of so many buckets.
///
/// # Errors
/// When DataFusion refuses.
pub fn session(buckets: u32, runtime: &Arc<RuntimeEnv>) -> Result<SessionContext> {
    session_with(filter_pushdown::optimizer(), buckets, runtime)
}

/// The same for queries whose windows are over the rows of a patient: a window holds a whole partition in memory, which a query of
/// anyone's may not.
///
/// # Errors
/// When DataFusion refuses.
pub fn measuring_session(buckets: u32, runtime: &Arc<RuntimeEnv>) -> Result<SessionContext> {
    // Before the rules that put rows in the order and the partitions that a node asks for.
    let mut optimizer = filter_pushdown::optimizer();
    optimizer.rules.insert(0, Arc::new(SmallWindows));
    session_with(optimizer, buckets, runtime)
}

fn session_with(optimizer: PhysicalOptimizer, buckets: u32, runtime: &Arc<RuntimeEnv>) -> Result<SessionContext> {
    let mut config = SessionConfig::new()
        .with_target_partitions(buckets.max(1) as usize)
        .with_information_schema(true)
        .with_default_catalog_and_schema(CATALOG, "lake")
        .with_create_default_catalog_and_schema(false);
    config.options_mut().optimizer.preserve_file_partitions = 1;
    // The files of one bucket belong together; cutting them up would lose their order.
    config.options_mut().optimizer.repartition_file_scans = false;
    // Each of many partitions reserves this much to merge what it spilled; the default of 10 MB each would use up the pool.
    config.options_mut().execution.sort_spill_reservation_bytes = 1 << 20;
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(Arc::clone(runtime))
        .with_default_features()
        .with_physical_optimizer_rules(optimizer.rules)
        .build();
    let context = SessionContext::new_with_state(state);
    let catalog = MemoryCatalogProvider::new();
    for schema in SCHEMAS {
        catalog.register_schema(schema, Arc::new(MemorySchemaProvider::new())).map_err(engine)?;
    }
    context.register_catalog(CATALOG, Arc::new(catalog));
    Ok(context)
}

/// Registers every table of a lake snapshot in schema `lake`; tables without rows are there, empty.
///
/// # Errors
/// When a file is missing or DataFusion refuses.
pub fn register_lake(context: &SessionContext, snapshot: &Snapshot, manifest: &Manifest) -> Result<()> {
    register_tables(context, snapshot, manifest, |_, provider| provider)
}

/// The same for queries that run for groups of buckets: of tables about patients, a query sees the buckets of the group that it runs
/// for.
///
/// # Errors
/// When a file is missing or DataFusion refuses.
pub fn register_lake_in_groups(
    context: &SessionContext,
    snapshot: &Snapshot,
    manifest: &Manifest,
    groups: &[Range<u32>],
) -> Result<()> {
    {
        // A filter that is found while a query runs would stay in its plan, and be wrong where the plan runs for other rows.
        let state = context.state_ref();
        let mut state = state.write();
        let optimizer = &mut state.config_mut().options_mut().optimizer;
        optimizer.enable_dynamic_filter_pushdown = false;
        optimizer.enable_topk_dynamic_filter_pushdown = false;
        optimizer.enable_join_dynamic_filter_pushdown = false;
        optimizer.enable_aggregate_dynamic_filter_pushdown = false;
    }
    register_tables(context, snapshot, manifest, |table, provider| {
        if table.bucket_by.is_none() {
            return provider;
        }
        let part = |buckets: &Range<u32>| {
            // Decided on the files' names: files of other buckets are not opened.
            let within = col(BUCKET).gt_eq(lit(i32_of(buckets.start))).and(col(BUCKET).lt(lit(i32_of(buckets.end))));
            Part { provider: Arc::clone(&provider), within: Some(within) }
        };
        Arc::new(Grouped::new(provider.schema(), groups.iter().map(part).collect()))
    })
}

fn register_tables(
    context: &SessionContext,
    snapshot: &Snapshot,
    manifest: &Manifest,
    in_groups: impl Fn(&Contract, Arc<dyn TableProvider>) -> Arc<dyn TableProvider>,
) -> Result<()> {
    for table in contract::tables()? {
        let rows = manifest.tables.get(&table.name).map_or(0, |entry| entry.rows);
        let folder = snapshot.path.join(&table.name);
        let schema = table.lake_schema();
        let provider = if rows == 0 {
            empty(with_bucket(table, &schema))?
        } else {
            in_groups(table, listing(&folder, schema, table)?)
        };
        register(context, "lake", &table.name, provider)?;
    }
    let quarantine = contract::quarantine()?;
    let folder = snapshot.path.join("quarantine");
    let provider: Arc<dyn TableProvider> =
        if folder.is_dir() { listing(&folder, quarantine.schema(), quarantine)? } else { empty(quarantine.schema())? };
    register(context, "lake", "quarantine", provider)
}

/// Registers every table of a results snapshot in schema `results`, and its prepared views in schema `prepared`.
///
/// # Errors
/// When a file is not the one that was written, or DataFusion refuses.
pub fn register_results(context: &SessionContext, snapshot: &Snapshot) -> Result<()> {
    ResultsManifest::read(snapshot)?;
    for table in contract::results()? {
        let file = snapshot.path.join(format!("{}.parquet", table.name));
        let folder = snapshot.path.join(&table.name);
        let path = if folder.is_dir() { folder } else { file };
        let provider: Arc<dyn TableProvider> = match path.exists() {
            true => unordered(&[&path], table.schema())?,
            false if table.stored => empty(table.schema())?,
            false => Arc::new(UnitView::open(&snapshot.path)?),
        };
        register(context, "results", &table.name, provider)?;
    }
    for folder in folders_of(&snapshot.path.join("prepared"))? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // A view without rows has no file; there is nothing to query.
        if let Some(file) = files_of(&folder)?.first() {
            register(context, "prepared", &name, unordered(&[&folder], crate::parquet_file::schema(file)?)?)?;
        }
    }
    Ok(())
}

/// Buckets are few: there are no more than fit a folder.
fn i32_of(bucket: u32) -> i32 {
    i32::try_from(bucket).unwrap_or(i32::MAX)
}

fn folders_of(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}

pub(crate) fn files_of(folder: &Path) -> Result<Vec<PathBuf>> {
    Ok(entries(folder)?.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "parquet")).collect())
}

/// What lies in a folder, in order of name; nothing where there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |error| LakeError::io("cannot read the folder", folder, error);
    let found = match std::fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let mut paths: Vec<PathBuf> =
        found.map(|entry| entry.map(|entry| entry.path())).collect::<std::io::Result<_>>().map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

/// Registers one table.
///
/// # Errors
/// When the name is taken.
pub fn register(context: &SessionContext, schema: &str, name: &str, provider: Arc<dyn TableProvider>) -> Result<()> {
    let found = context.catalog(CATALOG).and_then(|catalog| catalog.schema(schema));
    let schema = found.ok_or_else(|| engine(format!("there is no schema {schema}")))?;
    schema.register_table(name.to_owned(), provider).map(|_| ()).map_err(engine)
}

/// A table held in memory.
///
/// # Errors
/// When the batches do not have the schema.
pub fn in_memory(schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Arc<dyn TableProvider>> {
    Ok(Arc::new(MemTable::try_new(schema, vec![batches]).map_err(engine)?))
}

/// A table without rows.
///
/// # Errors
/// When DataFusion refuses.
pub fn empty(schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
    in_memory(schema, Vec::new())
}

fn with_bucket(table: &Contract, schema: &SchemaRef) -> SchemaRef {
    if table.bucket_by.is_none() {
        return Arc::clone(schema);
    }
    let mut fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields.push(arrow::datatypes::Field::new(BUCKET, DataType::Int32, false));
    Arc::new(arrow::datatypes::Schema::new(fields))
}

/// A folder of Parquet files in a contract's layout: one file for each bucket, sorted in the contract's order.
///
/// # Errors
/// When DataFusion refuses.
pub fn listing(folder: &Path, schema: SchemaRef, table: &Contract) -> Result<Arc<dyn TableProvider>> {
    let bucketed = table.bucket_by.is_some();
    let mut order: Vec<SortExpr> = table.order.iter().map(|name| col(name.as_str()).sort(true, false)).collect();
    let mut options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    if bucketed {
        order.insert(0, col(BUCKET).sort(true, false));
        options = options
            .with_table_partition_cols(vec![(BUCKET.to_owned(), DataType::Int32)])
            .with_file_sort_order(vec![order]);
    }
    list(&[folder], schema, options)
}

/// Parquet files of one schema without a known order: each path is a file, or a folder of them.
///
/// # Errors
/// When DataFusion refuses.
pub fn unordered<P: AsRef<Path>>(paths: &[P], schema: SchemaRef) -> Result<Arc<dyn TableProvider>> {
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension(".parquet");
    list(paths, schema, options)
}

fn list<P: AsRef<Path>>(paths: &[P], schema: SchemaRef, options: ListingOptions) -> Result<Arc<dyn TableProvider>> {
    let mut urls = Vec::with_capacity(paths.len());
    for path in paths {
        let path = path.as_ref();
        let absolute: PathBuf = std::path::absolute(path).map_err(|error| LakeError::io("cannot find", path, error))?;
        // Never a text that is parsed: `*`, `?` and `[` in the name of a folder would be taken for a pattern.
        let url = if absolute.is_dir() { Url::from_directory_path(&absolute) } else { Url::from_file_path(&absolute) };
        let url = url.map_err(|()| engine(format!("{} is no path", absolute.display())))?;
        urls.push(ListingTableUrl::try_new(url, None).map_err(engine)?);
    }
    let config = ListingTableConfig::new_with_multi_paths(urls).with_listing_options(options).with_schema(schema);
    // Statistics are read once, when the table is opened.
    let table = ListingTable::try_new(config).map_err(engine)?;
    Ok(Arc::new(table))
}

/// Operators, brackets and set operations that a text may hold: each can nest the plan a level deeper.
const MOST_LEVELS: usize = 5_000;
/// Bytes that a text may hold.
const LONGEST_TEXT: usize = 1 << 20;

/// Plans a text that can only read: whoever wrote it, of a measure, a deck, a prepared view or a user. Every statement that would
/// write, or reach outside the registered tables, is refused: by the engine's own options, and by a list of the plan nodes that
/// are known to read.
///
/// # Errors
/// When the text is no query, names what is not there, would do more than read, or is too large to plan.
pub async fn read_only(context: &SessionContext, text: &str) -> datafusion::error::Result<DataFrame> {
    check_size(text)?;
    let plan = context.state().create_logical_plan(text).await?;
    SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false).verify_plan(&plan)?;
    plan.apply_with_subqueries(|node| {
        if reads(node) {
            Ok(TreeNodeRecursion::Continue)
        } else {
            plan_err!("only queries are possible, not {}", node.display())
        }
    })?;
    context.execute_logical_plan(plan).await
}

/// Whether a plan node does nothing but read.
fn reads(node: &LogicalPlan) -> bool {
    match node {
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::TableScan(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::Unnest(_)
        | LogicalPlan::RecursiveQuery(_) => true,
        LogicalPlan::Statement(_)
        | LogicalPlan::Extension(_)
        | LogicalPlan::Dml(_)
        | LogicalPlan::Ddl(_)
        | LogicalPlan::Copy(_) => false,
    }
}

/// Planning goes a level deeper for each operator and bracket, on a stack that ends somewhere.
fn check_size(text: &str) -> datafusion::error::Result<()> {
    if text.len() > LONGEST_TEXT {
        return resources_err!("the query has {} bytes; {LONGEST_TEXT} are possible", text.len());
    }
    // What cannot be cut into words is refused by the parser, with its place.
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, text).tokenize() else { return Ok(()) };
    let deepens = |token: &&Token| match token {
        Token::Word(word) => matches!(
            word.keyword,
            Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::CASE
                | Keyword::SELECT
                | Keyword::UNION
                | Keyword::INTERSECT
                | Keyword::EXCEPT
                | Keyword::JOIN
                | Keyword::IS
                | Keyword::LIKE
                | Keyword::BETWEEN
        ),
        Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Whitespace(_)
        | Token::Comma
        | Token::Period
        | Token::RParen
        | Token::SemiColon => false,
        _ => true,
    };
    let levels = tokens.iter().filter(deepens).count();
    if levels > MOST_LEVELS {
        return resources_err!(
            "the query has {levels} operators, brackets and set operations; {MOST_LEVELS} are possible: put long lists into \
             `in (…)`, or load them as a table"
        );
    }
    Ok(())
}

/// What [`LakeError::Engine`] says of a query that cannot be planned.
pub const REFUSED: &str = "the query was refused";

/// Plans a user's query, refusing whatever would change something.
///
/// # Errors
/// When the text is not a query, or names what is not there.
pub async fn query(context: &SessionContext, text: &str) -> Result<DataFrame> {
    read_only(context, text).await.map_err(|error| {
        let context = match error.find_root() {
            DataFusionError::ResourcesExhausted(_) => "the query is too large",
            _ => REFUSED,
        };
        LakeError::engine(context, error.strip_backtrace())
    })
}

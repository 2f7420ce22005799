//! Tables whose rows lie in groups of buckets that are read one after the other. A query over them is planned once, and run for each
//! group.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Statistics, internal_err};
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ReplaceChildrenOptions, reset_plan_states};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, EmptyRecordBatchStream, ExecutionPlan, PhysicalExpr, PlanProperties, execute_stream,
    execute_stream_partitioned,
};
use datafusion::prelude::{DataFrame, SessionContext};

/// A table of one group: what provides its rows, and which of the provider's rows are the group's.
#[derive(Debug, Clone)]
pub struct Part {
    /// Where the rows lie.
    pub provider: Arc<dyn TableProvider>,
    /// A condition that the provider decides by the names of its files alone.
    pub within: Option<Expr>,
}

/// A table whose rows are those of the group that a query runs for.
#[derive(Debug)]
pub struct Grouped {
    schema: SchemaRef,
    parts: Vec<Part>,
}

impl Grouped {
    /// From one part for each group, in order.
    #[must_use]
    pub fn new(schema: SchemaRef, parts: Vec<Part>) -> Self {
        Self { schema, parts }
    }
}

#[async_trait]
impl TableProvider for Grouped {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut parts = Vec::with_capacity(self.parts.len());
        for Part { provider, within } in &self.parts {
            let filters: Vec<Expr> = filters.iter().chain(within).cloned().collect();
            parts.push(provider.scan(state, projection, &filters, limit).await?);
        }
        Ok(Arc::new(GroupedExec::new(parts)?))
    }
}

/// Which group a query runs for; an extension of the session's configuration.
struct CurrentGroup(usize);

/// Reads the part of the group that the query runs for.
#[derive(Debug)]
struct GroupedExec {
    parts: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl GroupedExec {
    fn new(parts: Vec<Arc<dyn ExecutionPlan>>) -> Result<Self> {
        let partitions = |part: &Arc<dyn ExecutionPlan>| part.properties().output_partitioning().partition_count();
        let most = parts.iter().map(partitions).max().unwrap_or(1);
        // The largest says what all are like: a part without rows is in any order.
        let Some(largest) = parts.iter().find(|part| partitions(part) == most) else {
            return internal_err!("a table of no groups");
        };
        let schema = largest.schema();
        // Orders alone: that a column is constant holds for one group only.
        let orders = largest.properties().equivalence_properties().oeq_class().clone();
        let equivalence = EquivalenceProperties::new_with_orderings(schema, orders);
        let partitioning = match largest.properties().output_partitioning() {
            Partitioning::Hash(by, _) => Partitioning::Hash(by.clone(), most),
            _ => Partitioning::UnknownPartitioning(most),
        };
        let properties =
            PlanProperties::new(equivalence, partitioning, EmissionType::Incremental, Boundedness::Bounded);
        Ok(Self { parts, properties: Arc::new(properties) })
    }
}

impl DisplayAs for GroupedExec {
    fn fmt_as(&self, kind: DisplayFormatType, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "GroupedExec: groups={}, first=", self.parts.len())?;
        self.parts.first().map_or(Ok(()), |part| part.fmt_as(kind, out))
    }
}

impl ExecutionPlan for GroupedExec {
    fn name(&self) -> &'static str {
        "GroupedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    // Nothing above a group may look into it: what holds for one group need not hold for another.
    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    // The scans below keep which of their files nobody has read yet. Without this, a query that runs a second time for a group, or twice
    // at once, would find few rows or none.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        let parts = self.parts.iter().map(|part| reset_plan_states(Arc::clone(part))).collect::<Result<_>>()?;
        Ok(Arc::new(Self { parts, properties: Arc::clone(&self.properties) }))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(group) = context.session_config().get_extension::<CurrentGroup>() else {
            return internal_err!("the query runs for no group");
        };
        let Some(part) = self.parts.get(group.0) else {
            return internal_err!("there is no group {}", group.0);
        };
        if partition >= part.properties().output_partitioning().partition_count() {
            return Ok(Box::pin(EmptyRecordBatchStream::new(self.schema())));
        }
        part.execute(partition, context)
    }

    /// About what the first group holds: enough to choose which side of a join to keep in memory, and never taken for a count.
    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], args: &StatisticsArgs) -> Result<Arc<Statistics>> {
        let first = self.parts.first().filter(|_| args.partition().is_none());
        let Some(first) = first else { return Ok(Arc::new(Statistics::new_unknown(&self.schema()))) };
        let statistics = StatisticsContext::new().compute(first.as_ref(), args)?;
        Ok(Arc::new(Statistics::clone(&statistics).to_inexact()))
    }
}

/// A query that is planned, for one group.
pub struct Planned {
    plan: Arc<dyn ExecutionPlan>,
    context: Arc<TaskContext>,
}

/// Plans a query for all groups.
///
/// # Errors
/// When DataFusion cannot plan it.
pub async fn plan(frame: DataFrame) -> Result<Arc<dyn ExecutionPlan>> {
    frame.create_physical_plan().await
}

/// Whether a plan may run more than once. What scalar subqueries find is held by the plan itself, so that one run could read what another
/// has found.
#[must_use]
pub fn may_run_again(plan: &Arc<dyn ExecutionPlan>) -> bool {
    plan.name() != "ScalarSubqueryExec" && plan.children().into_iter().all(may_run_again)
}

impl Planned {
    /// A planned query made ready to run for a group. Where it [`may_run_again`], it may run for others at the same time.
    ///
    /// # Errors
    /// When a part of the plan cannot run a second time.
    pub fn new(context: &SessionContext, plan: &Arc<dyn ExecutionPlan>, group: usize) -> Result<Self> {
        let config = context.copied_config().with_extension(Arc::new(CurrentGroup(group)));
        let context = TaskContext::default().with_session_config(config).with_runtime(context.runtime_env());
        Ok(Self { plan: reset_plan_states(Arc::clone(plan))?, context: Arc::new(context) })
    }

    /// The columns that come.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.plan.schema()
    }

    /// The rows, in one stream.
    ///
    /// # Errors
    /// When the query cannot start.
    pub fn rows(self) -> Result<SendableRecordBatchStream> {
        execute_stream(self.plan, self.context)
    }

    /// The rows of each partition.
    ///
    /// # Errors
    /// When the query cannot start.
    pub fn partitions(self) -> Result<Vec<SendableRecordBatchStream>> {
        execute_stream_partitioned(self.plan, self.context)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, RecordBatch, StringViewArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use arrow::util::pretty::pretty_format_batches;

    use super::*;
    use crate::sql;

    #[test]
    fn a_query_is_planned_once_and_every_group_has_rows_of_its_own() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("id", DataType::Utf8View, true),
            Field::new("number", DataType::Int32, true),
        ]));
        let part = |rows: &[(&str, i32)]| {
            let ids = StringViewArray::from_iter_values(rows.iter().map(|(id, _)| *id));
            let numbers = Int32Array::from_iter_values(rows.iter().map(|(_, number)| *number));
            let batch =
                RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(ids), Arc::new(numbers)]).expect("rows");
            let provider = sql::in_memory(Arc::clone(&schema), vec![batch]).expect("a table");
            Part { provider, within: None }
        };
        let scratch = tempfile::tempdir().expect("a folder");
        let runtime = sql::runtime(1 << 26, sql::Sharing::Free, scratch.path()).expect("a runtime");
        let context = sql::session(3, &runtime).expect("a session");
        let empty = Part { provider: sql::empty(Arc::clone(&schema)).expect("a table"), within: None };
        let one = vec![part(&[("a", 1), ("b", 2)]), empty.clone(), part(&[("a", 10), ("c", 30), ("c", 31)])];
        let other = vec![part(&[("b", 5)]), part(&[("a", 6)]), part(&[("c", 7)])];
        for (name, parts) in [("one", one), ("other", other)] {
            let table = Arc::new(Grouped::new(Arc::clone(&schema), parts));
            sql::register(&context, "lake", name, table).expect("registered");
        }
        let tokio = tokio::runtime::Builder::new_multi_thread().build().expect("threads");
        tokio.block_on(async {
            // Joins, groups, sorts, windows and subqueries keep rows while they run; counts could be taken from statistics.
            let text = "select o.id, o.number, sum(o.number) over (order by o.number) as running, (select count(*) from one) as n, \
                        t.number as there from one o left join other t on t.id = o.id \
                        where o.number < (select max(number) + 1 from one) order by o.number";
            let frame = sql::read_only(&context, text).await.expect("a query");
            let plan = plan(frame).await.expect("a plan");
            assert!(!may_run_again(&plan), "it has scalar subqueries");
            let expected = [
                "| a | 1 | 1 | 2 | |;| b | 2 | 3 | 2 | 5 |",
                "",
                "| a | 10 | 10 | 3 | |;| c | 30 | 40 | 3 | 7 |;| c | 31 | 71 | 3 | 7 |",
            ];
            // In any order, and again.
            for group in [2, 0, 1, 0, 2] {
                let rows = Planned::new(&context, &plan, group).expect("ready").rows().expect("rows");
                let batches = datafusion::physical_plan::common::collect(rows).await.expect("rows");
                let shown = pretty_format_batches(&batches).expect("text").to_string();
                let lines: Vec<String> = shown
                    .lines()
                    .filter(|line| line.starts_with('|'))
                    .skip(1)
                    .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
                    .collect();
                assert_eq!(lines.join(";"), expected[group], "group {group}");
            }
        });
    }

    #[test]
    fn a_query_over_files_finds_all_rows_again_and_at_the_same_time() {
        let schema = Arc::new(Schema::new(vec![Field::new("number", DataType::Int32, true)]));
        let folder = tempfile::tempdir().expect("a folder");
        let mut parts = Vec::new();
        for group in 0..2 {
            let files: Vec<_> = (0..3).map(|file| folder.path().join(format!("{group}-{file}.parquet"))).collect();
            for file in &files {
                let numbers = Int32Array::from_iter_values(0..1_000);
                let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(numbers)]).expect("rows");
                let mut out = crate::parquet_file::Writer::create(file, Arc::clone(&schema)).expect("a file");
                out.write(&batch).and_then(|()| out.finish()).expect("written");
            }
            parts.push(Part { provider: sql::unordered(&files, Arc::clone(&schema)).expect("a table"), within: None });
        }
        let scratch = tempfile::tempdir().expect("a folder");
        let runtime = sql::runtime(1 << 26, sql::Sharing::Free, scratch.path()).expect("a runtime");
        let context = sql::session(3, &runtime).expect("a session");
        sql::register(&context, "lake", "one", Arc::new(Grouped::new(schema, parts))).expect("registered");
        let tokio = tokio::runtime::Builder::new_multi_thread().build().expect("threads");
        tokio.block_on(async {
            let plan = plan(sql::read_only(&context, "select number from one").await.expect("a query"));
            let plan = plan.await.expect("a plan");
            assert!(may_run_again(&plan));
            let count = |group: usize| {
                let rows = Planned::new(&context, &plan, group).expect("ready").rows().expect("rows");
                async move {
                    let batches = datafusion::physical_plan::common::collect(rows).await.expect("rows");
                    batches.iter().map(RecordBatch::num_rows).sum::<usize>()
                }
            };
            assert_eq!([count(0).await, count(0).await, count(1).await], [3_000; 3]);
            let at_once: Vec<usize> = futures::future::join_all([count(1), count(1), count(0)]).await;
            assert_eq!(at_once, [3_000; 3]);
        });
    }
}

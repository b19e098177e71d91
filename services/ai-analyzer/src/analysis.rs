//! The stage: from a conversation to where the request goes.

use std::time::Duration;

use async_trait::async_trait;
use domain::{
    AnalysisSection, Claimed, Classify, Disposition, Engine, Outcome, Record, Section, Stage,
    StageError, StageHandler, Tokens, Usage, qualification, workflow,
};
use google::{Answer, GeminiError, GeminiFault, Spent};

use crate::{
    Deps,
    answer::{self, OutsideSchema},
    judgement::Judgement,
    material::Material,
    prompt::{PROMPT_VERSION, prompt},
    rules::{self, RULES_VERSION},
};

/// A lead does not wait longer than this for a model that asks us to slow down.
const PATIENCE: Duration = Duration::from_secs(10);

/// Judges the conversation and qualifies the request.
///
/// In: a request whose transcript is there, or that has none. Out: its `analysis`, unless that is up to date, and its
/// `qualification`. A repeat asks the model again and replaces both.
#[derive(Debug)]
pub(crate) struct Analysis {
    deps: Deps,
}

impl Analysis {
    pub(crate) fn new(deps: Deps) -> Self {
        Self { deps }
    }
}

#[async_trait]
impl StageHandler for Analysis {
    fn stage(&self) -> Stage {
        Stage::Analysis
    }

    async fn handle(&self, job: &Claimed) -> Result<Outcome, StageError> {
        let document = &job.request.document;
        let made = if workflow::needs_model(document) {
            Some(analyse(&self.deps, job).await?)
        } else {
            None
        };
        let analysis = made.as_ref().or(document.analysis.as_ref());
        let analysis =
            analysis.ok_or_else(|| StageError::permanent("the request has no analysis"))?;
        let qualification = qualification::qualify(document, analysis, &job.config, None);
        let mut sections =
            Vec::from_iter(made.map(|analysis| Section::Analysis(Box::new(analysis))));
        sections.push(Section::Qualification(qualification));
        Ok(Outcome::Done {
            sections,
            aliases: Vec::new(),
        })
    }
}

/// Judges what there is: by a model, else by the rules. Fails only while it is worth to ask the model again.
async fn analyse(deps: &Deps, job: &Claimed) -> Result<AnalysisSection, StageError> {
    let material = Material::of(&job.request.document);
    if material.is_silent() {
        return Ok(by_rules(job, &material, Tokens::default()));
    }
    let marker = format!("{:032x}", rand::random::<u128>());
    let question = prompt(&material, &job.request.tenant, &marker);
    let answered = deps.gemini.generate(&question).await;
    let spent = answered
        .as_ref()
        .map_or_else(|error| &error.spent, |answer| &answer.spent);
    record(job, spent);
    let tokens = spent.total();
    match judged(answered, &material) {
        Ok((judgement, model)) => {
            let revision = job.request.document.revisions.analysis;
            Ok(judgement.into_section(revision, Engine::Model(model), PROMPT_VERSION, tokens))
        }
        Err(NoJudgement::Gemini(error)) if matches!(error.fault, GeminiFault::Blocked { .. }) => {
            let section = by_rules(job, &material, tokens);
            Ok(AnalysisSection {
                is_blocked: true,
                ..section
            })
        }
        Err(error) if may_ask_again(deps, job, &error) => {
            Err(StageError::from_provider(&error, None))
        }
        Err(error) => {
            report(job, &error);
            Ok(by_rules(job, &material, tokens))
        }
    }
}

/// Why the model's judgement is not to be had.
#[derive(Debug, thiserror::Error)]
enum NoJudgement {
    #[error(transparent)]
    Gemini(GeminiError),
    #[error(transparent)]
    OutsideSchema(#[from] OutsideSchema),
}

impl Classify for NoJudgement {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Gemini(error) => error.disposition(),
            Self::OutsideSchema(_) => Disposition::Retry { after: None },
        }
    }

    fn answer(&self) -> Option<String> {
        match self {
            Self::Gemini(error) => error.answer(),
            Self::OutsideSchema(_) => None,
        }
    }
}

/// The model's judgement, checked, and the model.
fn judged(
    answered: Result<Answer, GeminiError>,
    material: &Material<'_>,
) -> Result<(Judgement, String), NoJudgement> {
    let Answer { json, model, .. } = answered.map_err(NoJudgement::Gemini)?;
    let mut judgement = answer::read(&json, material)?;
    if let Some(floor) = rules::floor(material) {
        judgement.spam_likelihood = judgement.spam_likelihood.max(floor);
    }
    Ok((judgement, model))
}

/// Whether the next try may fare better, comes within seconds, and is not one too many.
fn may_ask_again(deps: &Deps, job: &Claimed, error: &NoJudgement) -> bool {
    let is_worth_it = match error {
        NoJudgement::OutsideSchema(_) => true,
        NoJudgement::Gemini(error) => match &error.fault {
            GeminiFault::Throttled { retry_after } => {
                retry_after.is_none_or(|wait| wait <= PATIENCE)
            }
            GeminiFault::Token(_)
            | GeminiFault::Http(_)
            | GeminiFault::Unavailable { .. }
            | GeminiFault::Unusable(_) => true,
            GeminiFault::Unauthorized { .. }
            | GeminiFault::NoModel { .. }
            | GeminiFault::Rejected { .. }
            | GeminiFault::Blocked { .. } => false,
        },
    };
    let failures = job.row.failures;
    let is_fast = usize::try_from(failures)
        .is_ok_and(|failures| failures < job.config.workflow.retry.fast_ms.len());
    is_worth_it && is_fast && failures.saturating_add(1) < deps.config.model_tries
}

/// Says that the rules fill in; loudly where an operator has to mend something.
fn report(job: &Claimed, error: &NoJudgement) {
    let (tenant, id) = (&job.request.tenant, job.request.id);
    let is_for_operators = match error {
        NoJudgement::OutsideSchema(_) => false,
        NoJudgement::Gemini(error) => matches!(
            error.fault,
            GeminiFault::Token(_)
                | GeminiFault::Unauthorized { .. }
                | GeminiFault::NoModel { .. }
                | GeminiFault::Rejected { .. }
        ),
    };
    if is_for_operators {
        // Without the model's words: a refusal may repeat what it was asked.
        tracing::error!(
            tenant.id = %tenant, request.id = %id, error = %error,
            "the model cannot be used, an operator must look; request {id} was judged by rules"
        );
    } else {
        tracing::warn!(
            tenant.id = %tenant, request.id = %id, error = %error,
            "no model was to be had; request {id} was judged by rules"
        );
    }
}

fn by_rules(job: &Claimed, material: &Material<'_>, tokens: Tokens) -> AnalysisSection {
    let engine = Engine::Rules(RULES_VERSION.to_owned());
    rules::judge(material).into_section(
        job.request.document.revisions.analysis,
        engine,
        RULES_VERSION,
        tokens,
    )
}

/// Keeps what was used. Thoughts are billed as output.
fn record(job: &Claimed, spent: &Spent) {
    for (model, tokens) in &spent.0 {
        let output = u64::from(tokens.output) + u64::from(tokens.thoughts);
        for (unit, amount) in [
            ("model_prompt_tokens", u64::from(tokens.prompt)),
            ("model_output_tokens", output),
        ] {
            if amount > 0 {
                job.record(Record::Usage(Usage {
                    unit: unit.to_owned(),
                    amount,
                    by: model.clone(),
                }));
            }
        }
    }
}
